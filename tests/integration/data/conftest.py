from collections.abc import Iterator

import pytest
from tests.integration.data.servers import Bao, Postgres, bao_server, database_engine, postgres_server, postgres_wanted


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    postgres_wanted()
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bao]:
    with bao_server(tmp_path_factory.mktemp("bao")) as server:
        yield server


@pytest.fixture(scope="session")
def dynamic(bao: Bao, postgres: Postgres) -> Bao:
    database_engine(bao, postgres)
    return bao
