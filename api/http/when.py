"""Moments and spans as people say them, in their own time zone and language."""

from datetime import datetime
from zoneinfo import ZoneInfo

from api.texts import say

_EN_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ZH_DAYS = "一二三四五六日"
_EN_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def day(language: str, moment: datetime) -> str:
    """`moment` is local already."""
    if language == "zh":
        return f"{moment.month}月{moment.day}日（周{_ZH_DAYS[moment.weekday()]}）"
    return f"{_EN_DAYS[moment.weekday()]}, {moment.day} {_EN_MONTHS[moment.month - 1]}"


def short_day(language: str, moment: datetime) -> str:
    """`Fri 20`, `20日`: under an axis."""
    return f"{moment.day}日" if language == "zh" else f"{_EN_DAYS[moment.weekday()][:3]} {moment.day}"


def _part_of_day(hour: int) -> str:
    return "night" if hour < 5 else "morning" if hour < 12 else "afternoon" if hour < 18 else "evening"


def since(language: str, moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """`Since yesterday evening`, `自11月20日（周五）起`: exact enough to remember, not more than we know."""
    local, today = moment.astimezone(zone), now.astimezone(zone)
    days = (today.date() - local.date()).days
    if days in (0, 1):
        return say(language, f"since.{('today', 'yesterday')[days]}_{_part_of_day(local.hour)}")
    return say(language, "since.day", day=day(language, local))


def told(language: str, moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """`12:14`, and `Fri 20, 12:14` of another day: beside a step."""
    local = moment.astimezone(zone)
    if local.date() == now.astimezone(zone).date():
        return f"{local:%H:%M}"
    return f"{short_day(language, local)}{' ' if language == 'zh' else ', '}{local:%H:%M}"


def moment(language: str, moment: datetime, zone: ZoneInfo) -> str:
    """`Sunday, 22 November, 10:00`: for sentences."""
    local = moment.astimezone(zone)
    return f"{day(language, local)}{' ' if language == 'zh' else ', '}{local:%H:%M}"


def span(language: str, span_ms: int) -> str:
    """`5 min`, `1 h 59 min`, `2 d 3 h`, `7 d`: two parts are as exact as anybody needs."""
    minutes = round(span_ms / 60_000)
    hours, days = minutes // 60, minutes // 1440
    kind, rest = ("days", hours % 24) if days else ("hours", minutes % 60) if hours else ("minutes", minutes)
    key = f"span.{kind}" if rest or not hours else f"span.whole_{kind}"
    return say(language, key, days=days, hours=hours % 24 if days else hours, minutes=minutes % 60)


def stamp(moment: datetime, zone: ZoneInfo) -> str:
    """For lists that staff read: sortable, to the minute."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"
