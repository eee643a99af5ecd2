"""Passwords that can be said again to a broker which keeps no hash that we could give it."""

from typing import Any

from psycopg import Connection

from devices.credentials import store
from devices.credentials.issuing import MakePassword
from devices.credentials.model import Username
from devices.credentials.secret import computed, new_password, new_seed


def maker(conn: Connection[Any], key: bytes | None) -> MakePassword:
    """For who issues or rotates in this transaction; without a key passwords are random, and no other broker can be
    told of them."""

    def make(username: Username) -> str:
        if key is None:
            return new_password()
        seed = new_seed()
        store.insert_seed(conn, username, seed)
        return computed(key, seed)

    return make
