"""Who lives in the demo: appliances with their customers and places, and the engineers who could come."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

KINDS = (  # in this order, again and again
    *("refrigerator", "refrigerator", "air_conditioner", "cold_room", "refrigerator", "freezer"),
    *("air_conditioner", "cold_room", "refrigerator", "washing_machine", "water_heater", "dishwasher"),
)

_PREFIX = {
    "refrigerator": "fridge",
    "freezer": "freezer",
    "air_conditioner": "aircon",
    "cold_room": "coldroom",
    "washing_machine": "washer",
    "water_heater": "heater",
    "dishwasher": "dishwasher",
}
_MODEL = {
    "refrigerator": "Northwind KX-300",
    "freezer": "Northwind Chest 200",
    "air_conditioner": "Northwind Split 12",
    "cold_room": "Northwind Walk-in 20",
    "washing_machine": "Northwind Aqua 8",
    "water_heater": "Northwind Tank 80",
    "dishwasher": "Northwind Glaze 14",
}

_ENGLISH = (
    *("Ada Brennan", "Ben Castle", "Cora Dunne", "Dan Everett", "Ella Finch", "Finn Gallagher", "Grace Hobbs"),
    *("Harry Irwin", "Iris Jennings", "Jack Keane", "Kate Lowry", "Liam Mercer", "Maya Nolan", "Noah Orchard"),
    *("Olive Prior", "Paul Quigley", "Rosa Shaw", "Seth Tully", "Tess Underhill", "Violet Ward"),
)
_CHINESE = (
    *("王芳", "李伟", "张敏", "刘洋", "陈静", "杨帆", "赵磊", "黄丽", "周杰", "吴娟"),
    *("徐强", "孙艳", "马超", "朱琳", "胡军", "郭晓燕", "何勇", "高洁", "林涛", "罗欣"),
)
# a climate's place: region, time zone, language, streets
_REGIONS = {
    "dublin": ("north", "Europe/Dublin", "en", ("Canal Street", "Mill Lane", "Abbey Road", "Orchard Row")),
    "shanghai": ("pudong", "Asia/Shanghai", "zh", ("锦绣路", "张杨路", "浦东大道", "世纪大道")),
    "halifax": ("harbour", "America/Halifax", "en", ("Water Street", "Lighthouse Road", "Quay Lane", "Bay View")),
    "singapore": ("straits", "Asia/Singapore", "en", ("Orchid Lane", "Battery Road", "Palm Grove", "Temple Street")),
    "sydney": ("south", "Australia/Sydney", "en", ("Cove Street", "Ferry Road", "Gum Tree Lane", "Ridge Street")),
}
_FIRST_SOLD, _SOLD_FOR_DAYS = date(2024, 3, 1), 960  # so that some are under warranty and some are not
_DEMO = ("dublin", "shanghai", "halifax")  # where engineers live
_ROOM = {
    "en": {
        "refrigerator": "kitchen",
        "freezer": "cellar",
        "air_conditioner": "living room",
        "cold_room": "shop cellar",
        "washing_machine": "laundry",
        "water_heater": "bathroom",
        "dishwasher": "kitchen",
    },
    "zh": {
        "refrigerator": "厨房",
        "freezer": "储藏室",
        "air_conditioner": "客厅",
        "cold_room": "店铺后仓",
        "washing_machine": "阳台",
        "water_heater": "浴室",
        "dishwasher": "厨房",
    },
}

ENGINEERS: dict[str, dict[str, Any]] = {
    "anna-koch": {
        "name": "Anna Koch",
        "regions": ["north", "harbour"],
        "skills": ["washing", "water_heating", "refrigeration", "air_conditioning"],
        "level": 3,
        "load_cap": 5,
    },
    "sam-okafor": {
        "name": "Sam Okafor",
        "regions": ["harbour", "north"],
        "skills": ["commercial_cooling", "refrigeration"],
        "level": 4,
        "load_cap": 4,
    },
    "lea-marten": {
        "name": "Lea Marten",
        "regions": ["north", "harbour"],
        "skills": ["washing", "water_heating", "air_conditioning", "commercial_cooling", "refrigeration"],
        "level": 2,
        "load_cap": 6,
    },
    "lin-mei": {
        "name": "林梅",
        "regions": ["pudong"],
        "skills": ["washing", "water_heating", "refrigeration", "air_conditioning", "commercial_cooling"],
        "level": 4,
        "load_cap": 5,
    },
    "wang-jun": {
        "name": "王军",
        "regions": ["pudong"],
        "skills": ["washing", "water_heating", "commercial_cooling", "air_conditioning", "refrigeration"],
        "level": 5,
        "load_cap": 3,
    },
}


@dataclass(frozen=True, kw_only=True)
class Household:
    """One appliance of the demo; `facts` is what it is registered with."""

    device_id: str
    class_id: str
    time_zone: str
    facts: dict[str, Any]


def household(number: int) -> Household:
    """The `number`th (from 1), the same whatever the seed, so that a later start finds the same devices."""
    class_id = KINDS[(number - 1) % len(KINDS)]
    # one region after another within a class
    place = _DEMO[((number - 1) // len(KINDS) + number) % len(_DEMO)]
    return home(f"{_PREFIX[class_id]}-{number:03d}", number, class_id, place, "NW")


def home(device_id: str, number: int, class_id: str, place: str, series: str = "NF") -> Household:
    """The `number`th household of a fleet, in one of a climate's places. `series`: how its serials begin, so that a
    fleet and the demo live in one house."""
    region, time_zone, language, streets = _REGIONS[place]
    names = _CHINESE if language == "zh" else _ENGLISH
    name = names[(number * 7) % len(names)]
    street, house, room = streets[number % len(streets)], number * 3 % 88 + 1, _ROOM[language][class_id]
    customer = {
        "name": name,
        "language": language,
        "time_zone": time_zone,
        "email": f"{'customer' if series == 'NW' else series.lower()}-{number:03d}@example.org",
    }
    facts = {
        "class_id": class_id,
        "model": _MODEL[class_id],
        "serial": f"{series}{number:05d}",
        "place": f"{street}{house}号{room}" if language == "zh" else f"{house} {street}, {room}",
        "region": region,
        "bought_on": (_FIRST_SOLD + timedelta(days=number * 397 % _SOLD_FOR_DAYS)).isoformat(),
        "customer": customer,
    }
    return Household(device_id=device_id, class_id=class_id, time_zone=time_zone, facts=facts)
