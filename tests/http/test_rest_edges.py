"""Edge nodes over HTTP: of one's own tenant, those that lack something first."""

from starlette.testclient import TestClient

from tests.conftest import Database


def test_edge_nodes_are_listed_with_what_they_lack(client: TestClient, database: Database) -> None:
    with database.connect() as conn:
        conn.execute("INSERT INTO tenant VALUES ('demo', 'Demo'), ('other', 'Other') ON CONFLICT DO NOTHING")
        conn.execute(
            "INSERT INTO sparkplug_node (tenant_id, group_id, node_id, online, since, lacking, rebirth_wanted_at)"
            " VALUES"
            " ('demo', 'plant', 'a', true, '2026-11-20 08:00Z', false, NULL),"
            " ('demo', 'plant', 'b', false, NULL, true, '2026-11-20 09:00Z'),"
            " ('other', 'plant', 'c', true, NULL, true, NULL)"
        )
    found = client.get("/api/edge-nodes").json()["edge_nodes"]
    assert [(each["node_id"], each["online"], each["lacking"]) for each in found] == [
        ("b", False, True),
        ("a", True, False),
    ]
    assert found[0]["rebirth_wanted_at"] == "2026-11-20T09:00:00Z"
    assert found[1]["since"] == "2026-11-20T08:00:00Z"
