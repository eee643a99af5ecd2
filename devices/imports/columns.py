"""The columns of the file, and by which other names people call them."""

from collections.abc import Sequence

from devices.imports.model import FileError

REQUIRED = ("device_id", "class", "model", "serial")
OWNER = ("customer_name", "customer_email", "customer_phone", "customer_language", "customer_time_zone")
COLUMNS = (
    *REQUIRED,
    "state", "place", "region", "site", "gateway",
    "made_on", "bought_on", "installed_on",
    "latitude", "longitude", "datum",
    *OWNER,
)  # fmt: skip
POINT = ("latitude", "longitude", "datum")
CLEARED = (
    "place",
    "region",
    "site",
    "gateway",
    "made_on",
    "bought_on",
    "installed_on",
    *POINT,
)  # (none)
_NONE = {"(none)", "(无)"}
_ALIASES = {
    "device_id": "id device 设备编号 设备号 设备id 编号",
    "class": "class_id type category appliance 品类 类别 类型",
    "model": "model_no 型号 产品型号",
    "serial": "serial_no serial_number sn s/n 序列号 机身号 出厂编号",
    "state": "status 状态",
    "place": "location 位置 安装位置 地址",
    "region": "area 区域 地区",
    "site": "站点 场所",
    "gateway": "gateway_id 网关",
    "made_on": "made factory_date manufactured manufactured_on production_date 出厂日期 生产日期",
    "bought_on": "bought purchase_date purchased_on invoice_date 购买日期 开票日期",
    "installed_on": "installed install_date installation_date 安装日期",
    "latitude": "lat 纬度",
    "longitude": "lon lng long 经度",
    "datum": "coordinate_system crs 坐标系",
    "customer_name": "customer owner owner_name name 客户 客户姓名 姓名 业主",
    "customer_email": "email mail e_mail owner_email 邮箱 电子邮箱",
    "customer_phone": "phone mobile tel telephone owner_phone 电话 手机 手机号",
    "customer_language": "language lang 语言",
    "customer_time_zone": "time_zone timezone tz 时区",
}


def _bare(name: str) -> str:
    """Without what people write differently: size of letters, gaps, dashes."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


_BY_NAME = {
    _bare(alias): column
    for column in COLUMNS
    for alias in (column, *_ALIASES[column].split())
}  # fmt: skip


def clears(text: str) -> bool:
    """Whether a cell says that there is nothing, which an empty one does not."""
    return text.casefold().replace("（", "(").replace("）", ")") in _NONE


def understood(header: Sequence[str]) -> tuple[list[str | None], tuple[str, ...]]:
    """For each cell of the header its column, and the names that mean nothing. Raises FileError for what is lacking
    or stands twice."""
    columns = [_BY_NAME.get(_bare(name)) for name in header]
    found = [column for column in columns if column is not None]
    lacking = tuple(column for column in REQUIRED if column not in found)
    if lacking:
        raise FileError("NO_COLUMN", lacking)
    twice = tuple(sorted({column for column in found if found.count(column) > 1}))
    if twice:
        raise FileError("TWO_COLUMNS", twice)
    return columns, tuple(name for name, column in zip(header, columns, strict=True) if column is None and name.strip())
