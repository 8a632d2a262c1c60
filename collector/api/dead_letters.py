"""`/v1/dead-letters`: samples that the store must not have, kept with the reason."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from collector.api.access import Viewer
from collector.api.parts import After, PartsOf
from collector.api.problems import documented
from collector.api.times import spell
from collector.journal.entry import DeadLetter

router = APIRouter(tags=["dead letters"])


class DeadLetterOut(BaseModel):
    """One sample that was put aside."""

    id: int
    agent: str
    device: str
    at: str = Field(description="its event time, as the agent told it")
    stream: str
    seq: int
    reason: str
    sample: str = Field(description="an envelope of this one sample, as JSON")

    @classmethod
    def of(cls, number: int, letter: DeadLetter) -> "DeadLetterOut":
        """As the API tells it."""
        return cls(
            id=number,
            agent=letter.agent,
            device=letter.device,
            at=spell(letter.at),
            stream=letter.stream,
            seq=letter.seq,
            reason=letter.reason,
            sample=letter.sample,
        )


class DeadLetterPage(BaseModel):
    """Dead letters, oldest first; ask again with `after` = `next` for what follows."""

    total: int
    next: int
    dead_letters: list[DeadLetterOut]


@router.get(
    "/v1/dead-letters",
    summary="Samples that were put aside, and why",
    responses=documented(HTTPStatus.UNAUTHORIZED),
)
async def dead_letters(
    parts: PartsOf,
    _caller: Viewer,
    after: After = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> DeadLetterPage:
    """From a clock that cannot be right, or refused by the store."""
    page = await parts.journal.dead_letters(after, limit)
    return DeadLetterPage(
        total=await parts.journal.count_dead_letters(),
        next=page[-1][0] if page else after,
        dead_letters=[DeadLetterOut.of(number, letter) for number, letter in page],
    )
