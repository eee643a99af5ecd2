"""A file of devices: the same twice changes nothing, a bad row takes no other along, an export comes in again."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from devices import placing, registry
from devices.datum import Datum, Point
from devices.errors import GatewayError
from devices.imports import export, run
from devices.imports.lines import Table
from devices.imports.model import Change, Code, Fault, FileError, Note, Outcome, Said
from devices.imports.parse import Parser
from devices.lifecycle import moves
from devices.model import DeviceState as S
from devices.registry import Owner
from tests.devices.conftest import BY, CLASSES, NOW, Firm

HEADER = "device_id,class,model,serial,place,customer_name,customer_phone,customer_email,gateway,site,state\n"
ANN = "Ann,+49 30 12345,ann@example.org"
FILE = (
    HEADER
    + f"f1,refrigerator,F-200,S1,12 Canal Street,{ANN},,,\n"
    + f"f2,Refrigerator,F-200,S2,12 Canal Street,{ANN},gw,Mill 3,\n"
    + "gw,cold_room,W-9,S3,,,,,,,\n"
)


class Imported(list[Note]):
    @property
    def faults(self) -> list[tuple[int, str, Code]]:
        return [(note.row, note.column, note.code) for note in self if isinstance(note, Fault)]

    @property
    def changes(self) -> dict[str, dict[str, tuple[str, str]]]:
        return {note.device_id: note.columns for note in self if isinstance(note, Change)}

    @property
    def counts(self) -> tuple[int, int, int, int]:
        (outcome,) = (note for note in self if isinstance(note, Outcome))
        return outcome.created, outcome.updated, outcome.unchanged, outcome.refused


def taken(firm: Firm, text: str | bytes) -> Imported:
    body = text if isinstance(text, bytes) else text.encode()
    return Imported(run.run(firm.conn, Table(body), CLASSES, by=BY, now=firm.now))


def exported(firm: Firm) -> str:
    return "".join(export.lines(firm.conn, "demo"))


def test_a_file_registers_devices_with_their_owners_sites_and_gateways(firm: Firm) -> None:
    found = taken(firm, FILE)
    assert (found.faults, found.counts) == ([], (3, 0, 0, 0))
    first, second, gateway = (firm.found(name) for name in ("f1", "f2", "gw"))
    assert (second.gateway_no, second.site, gateway.state) == (gateway.device_no, "Mill 3", S.MADE)
    assert first.customer_id == second.customer_id is not None, "one phone number is one customer"
    assert (first.state, [each.since for each in registry.owners(firm.conn, first)]) == (S.CLAIMED, [NOW])
    assert firm.kinds("f1") == ["device.registered"]
    assert firm.kinds("f2") == ["device.registered", "device.placed"]
    assert firm.kinds("Mill 3") == ["site.registered"], "a site that arises by it is in the log too"
    kinds = firm.conn.execute("SELECT kind, actor FROM event WHERE kind = 'devices.imported'").fetchall()
    assert kinds == [("devices.imported", BY.actor)]


def test_the_same_file_twice_changes_nothing(firm: Firm) -> None:
    taken(firm, FILE)
    before = _everything(firm)
    firm.now += timedelta(hours=1)
    again = taken(firm, FILE)
    assert (again.faults, again.changes, again.counts) == ([], {}, (0, 0, 3, 0))
    assert _everything(firm) == before


def test_what_differs_is_told_by_column_and_changed(firm: Firm) -> None:
    taken(firm, FILE)
    other = FILE.replace("f1,refrigerator,F-200,S1,12 Canal Street", "f1,refrigerator,F-200,S1,7 Mill Lane")
    found = taken(firm, other.replace("gw,cold_room,W-9,S3,,,,", f"gw,cold_room,W-9,S3,,{ANN}"))
    assert found.changes == {"f1": {"place": ("12 Canal Street", "7 Mill Lane")}, "gw": {"customer": ("", "Ann")}}
    assert found.counts == (0, 2, 1, 0)
    assert firm.found("f1").place == "7 Mill Lane"
    assert firm.found("gw").customer_id == firm.found("f1").customer_id
    assert firm.kinds("f1")[-1] == "device.amended"
    assert firm.kinds("gw")[-1] == "device.claimed"


def test_an_empty_cell_says_nothing(firm: Firm) -> None:
    taken(firm, FILE)
    assert taken(firm, "device_id,class,model,serial,place\nf1,refrigerator,F-200,S1,\n").counts == (0, 0, 1, 0)
    assert firm.found("f1").place == "12 Canal Street"


ALL = "device_id,class,model,serial,place,region,site,gateway,made_on,latitude,longitude,datum\n"
GONE = "（none）"  # as a Chinese keyboard types it


def test_what_a_cell_says_not_to_be_known_is_taken_away_and_an_empty_one_is_not(firm: Firm) -> None:
    rows = "gw,cold_room,W-9,S3" + "," * 8 + "\n"
    taken(firm, ALL + "f1,refrigerator,F-200,S1,12 Canal Street,north,Mill 3,gw,2026-01-31,39.9,116.4,BD-09\n" + rows)
    text = ALL + f"f1,refrigerator,F-200,S1,(none),(None),{GONE},（无）,(none),(none),(none),BD-09\n" + rows
    found = taken(firm, text)
    assert found.faults == []
    assert found.changes == {
        "f1": {
            "place": ("12 Canal Street", ""),
            "region": ("north", ""),
            "site": ("Mill 3", ""),
            "gateway": ("gw", ""),
            "made_on": ("2026-01-31", ""),
            "point": ("39.9 116.4 BD-09", ""),
        }
    }
    device = firm.found("f1")
    assert (device.place, device.region, device.site, device.gateway_no) == ("", "", None, None)
    assert (device.made_on, device.latitude, device.given_latitude, device.datum) == (None, None, None, None)
    assert firm.kinds("f1")[-2:] == ["device.amended", "device.placed"]
    assert taken(firm, text).counts == (0, 0, 2, 0)
    assert taken(firm, text.replace("f1,", "f2,").replace("S1", "S2")).counts == (1, 0, 1, 0), "nothing to take away"


def test_a_gateway_that_the_file_frees_may_stand_behind_another_one(firm: Firm) -> None:
    header = "id,class,model,serial,gateway\n"
    taken(firm, header + "child,refrigerator,F,1,gw\ngw,refrigerator,F,2,\ntop,refrigerator,F,3,\n")
    found = taken(firm, header + "gw,refrigerator,F,2,top\nchild,refrigerator,F,1,(none)\n")
    assert (found.faults, found.counts) == ([], (0, 2, 0, 0))
    assert (firm.found("child").gateway_no, firm.found("gw").gateway_no) == (None, firm.found("top").device_no)


BAD = [
    ("a b,refrigerator,F-200,S9", "device_id", Code.BAD_ID),
    ("x1,toaster,F-200,S9", "class", Code.UNKNOWN_CLASS),
    ("x1,refrigerator,,S9", "model", Code.MISSING),
    ('x1,refrigerator,"F-2"00,S9', "", Code.NOT_CSV),
    ('x1,refrigerator,"F-200,S9', "", Code.NOT_CSV),
    ("x1,refrigerator,F-200,S9,,,,,,,,too,many", "", Code.CELLS),
    ("x1,refrigerator,F-200," + "S" * 201, "serial", Code.TOO_LONG),
    ("x1,refrigerator,F-200,S\x009", "serial", Code.NOT_TEXT),
    ("x1,refrigerator,F-200,(none)", "serial", Code.NOT_CLEARED),
    ("x1,refrigerator,F-200,S9,,(none)", "customer_name", Code.NOT_CLEARED),
    ("good,refrigerator,F-200,S9", "device_id", Code.TWICE),
    ("x1,refrigerator,F-200,G1", "serial", Code.TWICE),
    ("x1,refrigerator,F-200,K4", "serial", Code.SERIAL_TAKEN),
    ("known,cold_room,F-200,K1", "class", Code.OTHER_CLASS),
    ("known2,refrigerator,F-200,K2,,,,,,,RETIRED", "state", Code.OTHER_STATE),
    ("x1,refrigerator,F-200,S9,,,,,,,RETIRED", "state", Code.BAD_STATE),
    ("x1,refrigerator,F-200,S9,,,,,,,BROKEN", "state", Code.BAD_STATE),
    ("known3,refrigerator,F-200,K3,,Bob,+49 30 999999", "customer_name", Code.OTHER_OWNER),
    ("x1,refrigerator,F-200,S9,,Bob,+49 (30) 12345", "customer_name", Code.OTHER_NAME),
    ("x1,refrigerator,F-200,S9,,,+49 30 777777", "customer_name", Code.MISSING),
    ("x1,refrigerator,F-200,S9,,,+49 30 12345,BOB@example.org", "customer_email", Code.TWO_CUSTOMERS),
]


def test_a_bad_row_is_told_where_and_takes_no_other_along(firm: Firm) -> None:
    for name, serial in (("known", "K1"), ("known2", "K2"), ("known3", "K3"), ("known4", "K4")):
        firm.device(name, serial=serial, owner=Owner(name="Ann", phone="+49 30 12345"))
    firm.customer("Bob", email="bob@example.org")
    rows = [row.replace("x1", f"x{number}").replace("S9", f"S{number}") for number, (row, _, _) in enumerate(BAD)]
    text = HEADER + "good,refrigerator,F-200,G1\n" + "\n".join(rows) + "\nlast,refrigerator,F-200,L1\n"
    found = taken(firm, text)
    assert len(found.faults) == len(BAD)
    assert {row: (column, code) for row, column, code in found.faults} == {
        number + 3: (column, code) for number, (_, column, code) in enumerate(BAD)
    }
    assert found.counts == (2, 0, 0, len(BAD))
    assert firm.found("last").serial == "L1"
    names = firm.conn.execute("SELECT name FROM customer ORDER BY name").fetchall()
    assert names == [("Ann",), ("Bob",)], "a row that is refused leaves no customer behind"


def test_all_that_is_wrong_with_a_row_is_told_at_once(firm: Firm) -> None:
    header = "id,class,model,serial,bought_on,latitude,datum,lang,tz\n"
    found = taken(firm, header + "x1,refrigerator,F,S,1/2/2026,95,Tokyo,fr,Mars/Base\n")
    assert {(column, code) for _, column, code in found.faults} == {
        ("bought_on", Code.BAD_DATE),
        ("latitude", Code.BAD_NUMBER),
        ("latitude", Code.HALF_POINT),
        ("datum", Code.BAD_DATUM),
        ("customer_language", Code.BAD_LANGUAGE),
        ("customer_time_zone", Code.BAD_TIME_ZONE),
    }
    assert found.counts == (0, 0, 0, 1)


def test_gateways_make_no_circle_and_no_second_level_here_either(firm: Firm) -> None:
    rows = ["a,b", "b,c", "c,", "d,d", "e,nobody"]
    found = taken(firm, "id,gateway,class,model,serial\n" + "".join(f"{row},refrigerator,F,{row[0]}\n" for row in rows))
    assert set(found.faults) == {
        (3, "gateway", Code.GATEWAY_REFUSED),
        (5, "gateway", Code.GATEWAY_REFUSED),
        (6, "gateway", Code.NO_GATEWAY),
    }
    assert found.counts == (5, 0, 0, 0)
    assert firm.found("a").gateway_no == firm.found("b").device_no
    with pytest.raises(GatewayError):
        placing.place(firm.conn, firm.found("b"), "c", None, by=BY, now=NOW)


@pytest.mark.parametrize(("encoding", "separator"), [("utf-8", "\t"), ("utf-8-sig", ";"), ("gb18030", ",")])
def test_a_file_may_be_chinese_and_from_a_spreadsheet(firm: Firm, encoding: str, separator: str) -> None:
    header = "设备编号,品类,型号,序列号,安装位置,购买日期,纬度,经度,坐标系,客户姓名,手机,语言"
    row = "冰箱-1,冰箱,F-200,S1,和平路12号厨房,2026年1月31日,39.915,116.404,BD09,王伟,138 0013 8000,中文"
    text = f"{header}\r\n{row.replace('冰箱-1', 'bx-1')}\r\n\r\n".replace(",", separator)
    found = taken(firm, text.encode(encoding))
    assert (found.faults, found.counts) == ([], (1, 0, 0, 0))
    device = firm.found("bx-1")
    assert (device.place, device.bought_on, device.datum) == ("和平路12号厨房", date(2026, 1, 31), Datum.BD_09)
    owner = registry.customer_of(firm.conn, device)
    assert owner is not None
    assert (owner.name, owner.language) == ("王伟", "zh")


def test_a_line_that_is_no_text_takes_no_other_along(firm: Firm) -> None:
    body = (HEADER + "good,refrigerator,F-200,G1\n").encode() + b"bad,refrigerator,F\xff\xff,B1\n"
    found = taken(firm, body + "last,refrigerator,F-200,L1,和\n".encode())
    assert (found.faults, found.counts) == ([(3, "", Code.NOT_TEXT)], (2, 0, 0, 1))


@pytest.mark.parametrize(
    ("body", "code", "names"),
    [
        (b"", "EMPTY", ()),
        ("id,class\n".encode("utf-16"), "UTF_16", ()),
        (b"id,class,model\nx,y,z\n", "NO_COLUMN", ("serial",)),
        (b"id,device_id,class,model,serial\n", "TWO_COLUMNS", ("device_id",)),
    ],
)
def test_a_file_without_the_columns_that_count_is_refused_whole(body: bytes, code: str, names: tuple[str, ...]) -> None:
    with pytest.raises(FileError) as refused:
        Table(body)
    assert (refused.value.code, refused.value.names) == (code, names)


def test_columns_that_mean_nothing_are_told() -> None:
    assert Table(b"Serial No.,ID,Class,MODEL,colour\n").ignored == ("colour",)


@pytest.mark.parametrize(
    "text", ["2026-01-31", "2026/1/31", "20260131", "2026年1月31日", "31.01.2026", "2026-01-31 00:00"]
)
def test_a_day_may_be_written_in_several_ways(text: str) -> None:
    cells = {"device_id": "x", "class": "refrigerator", "model": "F", "serial": "S", "bought_on": text}
    said = Parser(CLASSES).parse(2, cells)
    assert isinstance(said, Said)
    assert said.bought_on == date(2026, 1, 31)


def test_an_export_comes_in_again_and_changes_nothing(firm: Firm) -> None:
    taken(firm, FILE)
    firm.device("solo", owner=Owner(name="No Address"), place='=cmd|"x"', point=BAIDU, bought_on=date(2026, 1, 31))
    firm.device("made", place="+cmd|'x'!A0")
    firm.device("quoted", place="'=1")
    firm.device("wide", place="＝1")
    moves.retire(firm.conn, firm.device("old"), by=BY, now=NOW)
    moves.replace(firm.conn, firm.found("made"), firm.device("new"), by=BY, now=NOW)
    text, before = exported(firm), _everything(firm)
    assert "'=cmd" in text
    assert "'+cmd" in text
    assert ",''=1," in text
    assert ",'＝1," in text
    assert ",+49 30 12345," in text, "a phone number is no formula"
    found = taken(firm, text)
    assert (found.faults, found.changes, found.counts) == ([], {}, (0, 0, 9, 0))
    assert _everything(firm) == before
    assert exported(firm) == text


BAIDU = Point(latitude=39.915, longitude=116.404, datum=Datum.BD_09)


def test_more_rows_than_fit_into_one_batch_are_one_import(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "AT_ONCE", 2)
    rows = [f"d{i},refrigerator,F,{i},,Ann,+49 30 12345,,d9\n" for i in range(9)]
    found = taken(firm, HEADER + "".join(rows) + "d9,cold_room,W,9\n")
    assert (found.faults, found.counts) == ([], (10, 0, 0, 0))
    assert {firm.found(f"d{i}").gateway_no for i in range(9)} == {firm.found("d9").device_no}
    assert firm.conn.execute("SELECT count(*) FROM customer").fetchone() == (1,)


def _everything(firm: Firm) -> dict[str, Any]:
    tables = ("device", "customer", "site", "ownership", "event")
    return {name: sorted(map(str, _rows(firm, name))) for name in tables}


def _rows(firm: Firm, table: str) -> Iterator[Any]:
    yield from firm.conn.execute(f"SELECT * FROM {table}")
