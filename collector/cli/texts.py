"""What operators read on a terminal, in Vietnamese and English."""

from __future__ import annotations

from enum import StrEnum

from telemetry.language import Lang


class Text(StrEnum):
    """A text that operators read; the value is its English."""

    PRIORITY = "PRIORITY"
    STATE = "STATE"
    SINCE = "SINCE"
    OCCURRENCE = "OCCURRENCE"
    ACTION = "ACTION"
    NO_ALARMS = "no open alarms"
    ACKNOWLEDGED = "acknowledged"
    MORE_DEVICES = "… more devices: {}; --device shows one"
    WATCHING = "watching; Ctrl-C ends"
    RECONNECTING = "connection lost; trying again"
    TIME = "TIME"
    NUMBER = "ID"
    AGENT = "AGENT"
    DEVICE = "DEVICE"
    PROFILE = "PROFILE"
    NAME = "NAME"
    ROLE = "ROLE"
    CHANNEL = "CHANNEL"
    VALUE = "VALUE"
    COUNT = "COUNT"
    FLAG = "FLAG"
    NO_VALUES = "no values in that range"
    NO_DEAD_LETTERS = "no dead letters"
    REASON = "REASON"
    STORE_UP = "the store takes data again"
    STORE_DOWN = "the store is down; agents keep their data"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    DIAGNOSTIC = "diagnostic"
    UNACKED_ACTIVE = "unacked-active"
    ACKED_ACTIVE = "acked-active"
    UNACKED_NORMAL = "unacked-normal"
    RAISED = "raised"
    RETURNED = "returned"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


VIETNAMESE = {
    Text.PRIORITY: "MỨC",
    Text.STATE: "TRẠNG THÁI",
    Text.SINCE: "TỪ LÚC",
    Text.OCCURRENCE: "MÃ CẢNH BÁO",
    Text.ACTION: "VIỆC CẦN LÀM",
    Text.NO_ALARMS: "không có cảnh báo nào đang mở",
    Text.ACKNOWLEDGED: "đã xác nhận",
    Text.MORE_DEVICES: "… còn {} thiết bị; dùng --device để xem một",
    Text.WATCHING: "đang theo dõi; nhấn Ctrl-C để thoát",
    Text.RECONNECTING: "mất kết nối; đang thử lại",
    Text.TIME: "THỜI ĐIỂM",
    Text.NUMBER: "SỐ",
    Text.AGENT: "AGENT",
    Text.DEVICE: "THIẾT BỊ",
    Text.PROFILE: "HỒ SƠ",
    Text.NAME: "TÊN",
    Text.ROLE: "VAI TRÒ",
    Text.CHANNEL: "KÊNH",
    Text.VALUE: "GIÁ TRỊ",
    Text.COUNT: "SỐ MẪU",
    Text.FLAG: "CHẤT LƯỢNG",
    Text.NO_VALUES: "không có giá trị trong khoảng thời gian này",
    Text.NO_DEAD_LETTERS: "không có mẫu nào bị để riêng",
    Text.REASON: "LÝ DO",
    Text.STORE_UP: "kho dữ liệu đã nhận lại dữ liệu",
    Text.STORE_DOWN: "kho dữ liệu ngừng nhận; các trạm giữ dữ liệu của mình",
    Text.HIGH: "cao",
    Text.MEDIUM: "trung bình",
    Text.LOW: "thấp",
    Text.DIAGNOSTIC: "chẩn đoán",
    Text.UNACKED_ACTIVE: "đang xảy ra, chưa xác nhận",
    Text.ACKED_ACTIVE: "đang xảy ra, đã xác nhận",
    Text.UNACKED_NORMAL: "đã hết, chưa xác nhận",
    Text.RAISED: "xảy ra",
    Text.RETURNED: "đã hết",
    Text.SUPERSEDED: "được thay bằng lần sau",
    Text.WITHDRAWN: "gỡ bỏ vì không còn quy tắc này",
}


def say(text: Text | str, lang: Lang) -> str:
    """The text in a language; `text` may be the English word of one."""
    word = Text(text)
    return VIETNAMESE[word] if lang is Lang.VI else word.value
