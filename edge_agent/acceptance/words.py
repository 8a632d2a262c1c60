"""What an acceptance sheet says, in both languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_agent.acceptance.point import Finding
from telemetry.language import Lang, Phrase
from telemetry.layout import spelled

if TYPE_CHECKING:
    from edge_agent.acceptance.point import Point, Reference
    from edge_agent.acceptance.sheet import DeviceSheet, Sheet
    from telemetry.sample import Value

TITLE = Phrase(en="Acceptance sheet", vi="Biên bản nghiệm thu")
SUBTITLE = Phrase(
    en="point to point: device, gateway, broker, collector, store",
    vi="kiểm tra từng điểm đo: thiết bị, gateway, broker, trung tâm, kho dữ liệu",
)
SITE = Phrase(en="Site", vi="Địa điểm")
GATEWAY = Phrase(en="Gateway", vi="Gateway")
VERSION = Phrase(en="Software", vi="Phần mềm")
CONFIG = Phrase(en="Configuration", vi="Mã cấu hình")
DATE = Phrase(en="Date", vi="Thời điểm")
CLOCK = Phrase(en="Clock", vi="Đồng hồ")
BROKER = Phrase(en="Broker", vi="Broker")
COLLECTOR = Phrase(en="Read back from", vi="Đọc lại từ")
TECHNICIAN = Phrase(en="Technician", vi="Kỹ thuật viên")
NOTE = Phrase(en="Note", vi="Ghi chú")
RESULT = Phrase(en="Result", vi="Kết quả")
CHECKSUM = Phrase(en="SHA-256 of the content", vi="SHA-256 của nội dung")
DEVICE = Phrase(en="Device", vi="Thiết bị")
MODEL = Phrase(en="Model", vi="Loại thiết bị")
ADDRESS = Phrase(en="Address", vi="Địa chỉ")
PROFILE = Phrase(en="Profile", vi="Hồ sơ")
REVISION = Phrase(en="revision {revision}", vi="bản {revision}")
UNVERIFIED = Phrase(en="Not yet confirmed on hardware", vi="Chưa kiểm chứng trên thiết bị thật")
CHANNEL = Phrase(en="Channel", vi="Kênh đo")
LABEL = Phrase(en="Label", vi="Tên gọi")
VALUE = Phrase(en="Value", vi="Giá trị")
UNIT = Phrase(en="Unit", vi="Đơn vị")
FLAG = Phrase(en="Flag", vi="Cờ chất lượng")
READ_AT = Phrase(en="Read at", vi="Đọc lúc")
STORED = Phrase(en="Stored", vi="Đã lưu")
READ_BACK = Phrase(en="Read back", vi="Đọc lại")
REFERENCE = Phrase(en="Reference", vi="Đối chiếu")
VERDICT = Phrase(en="Verdict", vi="Kết luận")
REMARK = Phrase(en="Remark", vi="Nhận xét")
YES = Phrase(en="yes", vi="có")
NO = Phrase(en="no", vi="không")
NOT_ASKED = Phrase(en="not asked", vi="không kiểm tra")
PROVES = Phrase(
    en="ok: read, and stored by the collector's receipt.",
    vi="đạt: đã đọc, và trung tâm đã gửi biên nhận đã lưu.",
)
PROVES_BACK = Phrase(
    en="ok: read, stored by the collector's receipt, and the same when read back.",
    vi="đạt: đã đọc, trung tâm đã gửi biên nhận đã lưu, và đọc lại đúng giá trị.",
)
NOTHING = Phrase(en="There is no device to test.", vi="Không có thiết bị nào để kiểm tra.")
ACCEPTED = Phrase(
    en="ACCEPTED: {passed} of {total} channels proven",
    vi="ĐẠT: {passed}/{total} kênh đo đã được kiểm chứng",
)
NOT_ACCEPTED = Phrase(
    en="NOT ACCEPTED: {passed} of {total} channels proven",
    vi="KHÔNG ĐẠT: {passed}/{total} kênh đo được kiểm chứng",
)
WAIVED = Phrase(en=", {waived} of them waived", vi=", trong đó {waived} kênh được miễn")
REFUSED = Phrase(
    en="The collector refused {count} batches meanwhile.",
    vi="Trong lúc kiểm tra, trung tâm đã từ chối {count} lô dữ liệu.",
)
DROPPED = Phrase(
    en="{count} samples were lost meanwhile for want of room.",
    vi="Trong lúc kiểm tra, {count} mẫu bị mất vì hết chỗ lưu.",
)
CLOCKS = {
    "synced": Phrase(en="synchronised", vi="đã đồng bộ"),
    "held": Phrase(en="held since it was last synchronised", vi="tự giữ giờ từ lần đồng bộ trước"),
    "unknown": Phrase(en="NOT synchronised", vi="CHƯA đồng bộ"),
}
SIGNATURES = (
    Phrase(en="For the installer", vi="Đại diện bên lắp đặt"),
    Phrase(en="For the owner", vi="Đại diện chủ đầu tư"),
)
SIGN_HERE = Phrase(en="(name, date, signature)", vi="(ký, ghi rõ họ tên, ngày)")
NAME = Phrase(en="Name", vi="Họ tên")
SIGNED_ON = Phrase(en="Date", vi="Ngày")
SIGNATURE = Phrase(en="Signature", vi="Chữ ký")

VERDICTS = {
    True: Phrase(en="ok", vi="đạt"),
    False: Phrase(en="FAIL", vi="LỖI"),
}
WAIVED_VERDICT = Phrase(en="waived", vi="miễn")

REMARKS = {
    Finding.GOOD: Phrase(en="", vi=""),
    Finding.WAIVED: Phrase(en="{waived}", vi="{waived}"),
    Finding.NOT_READ: Phrase(
        en="nothing was read in time; see `edge-agent status`",
        vi="chưa đọc được trong thời gian chờ; xem `edge-agent status`",
    ),
    Finding.NO_REPLY: Phrase(
        en="the device gave no answer to it ({flag}); wiring, power, address, profile?",
        vi="thiết bị không trả lời ({flag}); kiểm tra dây, nguồn, địa chỉ, hồ sơ",
    ),
    Finding.NO_VALUE: Phrase(
        en="the device says it has no value ({flag}); is its sensor connected?",
        vi="thiết bị báo không có giá trị ({flag}); cảm biến đã nối chưa?",
    ),
    Finding.NOT_STORED: Phrase(
        en="read, but no receipt says that it is stored; broker, collector, store?",
        vi="đã đọc nhưng chưa có biên nhận đã lưu; kiểm tra broker, trung tâm, kho dữ liệu",
    ),
    Finding.NOT_FOUND: Phrase(
        en="a receipt says it is stored, but the collector does not give it back",
        vi="đã có biên nhận nhưng trung tâm không trả lại giá trị này",
    ),
    Finding.DIFFERS: Phrase(
        en="the collector gives back another value: {read_back}",
        vi="trung tâm trả lại giá trị khác: {read_back}",
    ),
    Finding.OFF: Phrase(
        en="off the reference {reference}; transformer ratio, phase, profile?",
        vi="lệch giá trị đối chiếu {reference}; kiểm tra tỉ số biến dòng, pha, hồ sơ",
    ),
    Finding.DOUBTED: Phrase(en="the value is doubted ({flag})", vi="giá trị đáng ngờ ({flag})"),
}


def result(sheet: Sheet, lang: Lang) -> str:
    """The sheet's result in a line."""
    phrase = ACCEPTED if sheet.accepted else NOT_ACCEPTED
    waived = WAIVED(lang, waived=sheet.waived) if sheet.waived else ""
    return phrase(lang, passed=sheet.passed, total=sheet.total) + waived


def legend(sheet: Sheet, lang: Lang) -> str:
    """What it means that a channel is right."""
    return (PROVES_BACK if sheet.collector else PROVES)(lang)


def losses(sheet: Sheet, lang: Lang) -> list[str]:
    """What was refused or lost meanwhile, a sentence each."""
    counted = ((REFUSED, sheet.refused), (DROPPED, sheet.dropped))
    return [phrase(lang, count=count) for phrase, count in counted if count]


def heads(sheet: Sheet, lang: Lang) -> list[tuple[str, str]]:
    """What was tested, when and by whom, as names with values."""
    clock = CLOCKS.get(sheet.clock)
    rows = (
        (SITE, sheet.site),
        (GATEWAY, sheet.agent),
        (VERSION, sheet.version),
        (CONFIG, sheet.config),
        (DATE, f"{sheet.local(sheet.at):%Y-%m-%d %H:%M:%S %z}"),
        (CLOCK, clock(lang) if clock else sheet.clock),
        (BROKER, sheet.broker),
        (COLLECTOR, sheet.collector or NOT_ASKED(lang)),
        (TECHNICIAN, sheet.technician),
        (NOTE, sheet.note),
    )
    return [(phrase(lang), text) for phrase, text in rows]


def profile(device: DeviceSheet, lang: Lang) -> str:
    """`eastron-sdm120, revision 1`."""
    return f"{device.profile}, {REVISION(lang, revision=device.revision)}"


def read_at(point: Point, sheet: Sheet) -> str:
    """The time of day, with the date if it was another day's."""
    if point.reading is None:
        return ""
    at, end = sheet.local(point.reading.at), sheet.local(sheet.at)
    return f"{at:%H:%M:%S}" if at.date() == end.date() else f"{at:%m-%d %H:%M}"


def verdict(point: Point, lang: Lang) -> str:
    """One word."""
    if point.finding is Finding.WAIVED:
        return WAIVED_VERDICT(lang)
    return VERDICTS[point.finding.passes](lang)


def remark(point: Point, lang: Lang) -> str:
    """What is wrong with a channel, and where to look; nothing if nothing is."""
    flag = point.reading.flag if point.reading else None
    return REMARKS[point.finding](
        lang,
        waived=point.waived,
        flag=flag or "-",
        read_back=read_back(point, lang),
        reference=reference(point.reference),
    )


def value(number: Value | None, lang: Lang) -> str:
    """A truth value is said in words."""
    return (YES if number else NO)(lang) if isinstance(number, bool) else spelled(number)


def read_back(point: Point, lang: Lang) -> str:
    """What the collector gave back; a truth value as one, though a store keeps it as a number."""
    back = point.read_back.value if point.read_back else None
    is_truth = isinstance(point.value, bool) and back in (0, 1)
    return value(bool(back) if is_truth else back, lang)


def reference(given: Reference | None) -> str:
    """`230 ± 2`."""
    if given is None:
        return ""
    if isinstance(given.value, str):
        return given.value
    return f"{given.value:g} ± {given.tolerance:g}"
