"""An installation behind a real server, and OpenAI's own client that talks to it: only address and key are changed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import uvicorn

from tests.support.speaking import Speaking, speaking

PATIENCE_S = 30


@dataclass
class Served:
    """The installation, its address and the client of its first user."""

    house: Speaking
    address: str
    client: openai.OpenAI

    def client_of(self, key: str) -> openai.OpenAI:
        """Somebody else's client."""
        return openai.OpenAI(base_url=f"{self.address}/v1", api_key=key, max_retries=0)


@contextmanager
def served(home: Path, database_url: str, **settings: Any) -> Iterator[Served]:
    """Open one."""
    with speaking(home, database_url, **settings) as house:
        config = uvicorn.Config(house.client.app, port=0, log_config=None, access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        listener = config.bind_socket()
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        key = house.client.headers["Authorization"].split()[1]
        client = openai.OpenAI(base_url=f"{address}/v1", api_key=key, max_retries=0)
        try:
            yield Served(house=house, address=address, client=client)
        finally:
            client.close()
            server.should_exit = True
            thread.join(PATIENCE_S)
            listener.close()
