"""What `edge-agent profiles` says, in both languages."""

from __future__ import annotations

from telemetry.language import Phrase

NONE_FOUND = Phrase(en="no profile speaks of {word!r}", vi="không có hồ sơ nào nói về {word!r}")
MARK = Phrase(
    en="* some of it is unverified: see `edge-agent profiles show ID`",
    vi="* có điểm chưa được kiểm chứng: xem `edge-agent profiles show ID`",
)
UNPROVEN = Phrase(en="{file}: no example tells of", vi="{file}: chưa có ví dụ cho")
CHECKED = Phrase(en="{good} right, {wrong} wrong", vi="{good} đúng, {wrong} sai")

REVISION = Phrase(en="{id}, revision {revision}", vi="{id}, bản {revision}")
UNVERIFIED_HEAD = Phrase(
    en="UNVERIFIED: nobody has confirmed this on a device; compare with its display",
    vi="CHƯA KIỂM CHỨNG trên thiết bị thật: hãy so với màn hình của thiết bị trước",
)
CLASS = Phrase(en="class", vi="loại")
STORED = Phrase(en="stored in", vi="lưu vào")
PROTOCOL = Phrase(en="protocol", vi="giao thức")
ADDRESS = Phrase(en="address", vi="địa chỉ")
SERIAL = Phrase(en="serial line", vi="cổng nối tiếp")
ALSO = Phrase(en="{first} (factory); also {others}", vi="{first} (xuất xưởng); hoặc {others}")
RECOGNISED = Phrase(en="recognised", vi="nhận diện")
BY_NAMEPLATE = Phrase(en="function 43/14 says {facts}", vi="chức năng 43/14 trả {facts}")
BY_SUNSPEC = Phrase(
    en="SunSpec model {model}; addresses count from its ID register",
    vi="mô hình SunSpec {model}; địa chỉ tính từ thanh ghi ID của nó",
)
BY_REGISTER = Phrase(en="{place} is {value}", vi="{place} là {value}")
BY_VALUES = Phrase(en="{names} within range", vi="{names} trong khoảng cho phép")
GROUPS = Phrase(en="groups", vi="nhóm")
EVERY = Phrase(en="{name} every {seconds} s", vi="{name} mỗi {seconds} s")
ONCE = Phrase(en="{name} once", vi="{name} một lần")
NOTE = Phrase(en="note", vi="lưu ý")
SOURCE = Phrase(en="source", vi="nguồn")
CHANNELS = Phrase(en="{count} channels", vi="{count} kênh")
WRITES_HEAD = Phrase(
    en="Declared, never executed: this software writes to no device",
    vi="Chỉ khai báo, không bao giờ thực hiện: phần mềm này không ghi vào thiết bị",
)
WRITE = Phrase(en="write with function {function}", vi="ghi bằng chức năng {function}")
COMMAND = Phrase(en="command {hex}", vi="lệnh {hex}")
DANGER = Phrase(en="danger: {danger}", vi="nguy hiểm: {danger}")
SCALED = Phrase(en="raw * {scale}", vi="số thô * {scale}")
SCALED_BY = Phrase(en="raw * 10^{channel}", vi="số thô * 10^{channel}")
WRAPS = Phrase(en="wraps at {wrap}", vi="quay về 0 ở {wrap}")
DEADBAND = Phrase(en="changes up to {amounts} are not sent", vi="thay đổi tới {amounts} không gửi")
IN_RANGE = Phrase(en="{low:g} to {high:g}", vi="{low:g} đến {high:g}")
WRITE_ONLY = Phrase(en="cannot be read", vi="không đọc được")
RESETS = Phrase(en="reading resets it", vi="đọc sẽ xóa")
VALID_IF = Phrase(en="while {channel} is {value}", vi="khi {channel} là {value}")
IN_GROUP = Phrase(en="group {name}", vi="nhóm {name}")
CHANNEL_UNVERIFIED = Phrase(en="UNVERIFIED: {facts}", vi="CHƯA KIỂM CHỨNG: {facts}")
