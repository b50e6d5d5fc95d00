"""What PostgreSQL's toolset does without a server: masking, archives, migrations' files, its programs' arguments."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

psycopg = pytest.importorskip("psycopg", reason="needs the extra postgres")

from steersman.domain.errors import ToolError  # noqa: E402
from steersman.toolsets.postgres.archive import Archives, Manifest, digest_of  # noqa: E402
from steersman.toolsets.postgres.masking import masked  # noqa: E402
from steersman.toolsets.postgres.migrations import Change, Way, _read  # noqa: E402
from steersman.toolsets.postgres.program import _password_file, _reason  # noqa: E402
from steersman.toolsets.postgres.settings import Login, Server  # noqa: E402

SERVER = Server(host="db", reader=Login(user="r"))


@pytest.mark.parametrize(
    ("statement", "shape"),
    [
        ("SELECT * FROM t WHERE email = 'a@b.c' AND n = 42", "SELECT * FROM t WHERE email = ? AND n = ?"),
        ("ALTER ROLE app PASSWORD 'it''s secret'", "ALTER ROLE app PASSWORD ?"),
        ("SELECT $tag$ body 'x' $tag$, E'a\\'b' -- pw: x\n, 1.5e3", "SELECT ?, ? , ?"),
        ("SELECT col1, $1 FROM t2 /* token */", "SELECT col1, $1 FROM t2"),
        ("SELECT 'cut off in the mid", "SELECT ?"),
    ],
)
def test_a_statement_is_shown_without_its_literals(statement: str, shape: str) -> None:
    assert masked(statement) == shape


@given(st.text(alphabet=st.characters(blacklist_characters="'\\", blacklist_categories=("Cs",)), min_size=8))
def test_no_literal_survives(text: str) -> None:
    assert masked(f"UPDATE t SET a = '{text}'") == "UPDATE t SET a = ?"


def manifest(name: str = "before", **more: object) -> Manifest:
    base = {"database": "shop", "name": name, "system": "1", "server": "15", "made_at": "", "keep_until": ""}
    return Manifest.model_validate({**base, "kept_days": 1, "digest": "sha256:0", "bytes": 1, "rows": {}, **more})


def test_a_backup_appears_whole_and_is_never_replaced(tmp_path: Path) -> None:
    archives = Archives(tmp_path)
    for content in (b"first", b"second"):
        with archives.making("shop", "before") as folder:
            (folder / "archive.dump").write_bytes(content)
            assert archives.manifest("shop", "before") is None or content == b"second"
            if content == b"second":
                with pytest.raises(ToolError, match="there already"):
                    archives.publish(folder, manifest())
            else:
                archives.publish(folder, manifest())
    assert archives.dump("shop", "before").read_bytes() == b"first"
    assert [path.name for path in (tmp_path / "shop").iterdir()] == ["before"]


def test_what_a_killed_backup_left_is_thrown_away(tmp_path: Path) -> None:
    left = tmp_path / "shop" / ".making-before.dead"
    left.mkdir(parents=True)
    other = tmp_path / "shop" / ".making-other.dead"
    other.mkdir()
    with Archives(tmp_path).making("shop", "before"):
        assert not left.exists()
    assert other.exists()


def test_a_damaged_manifest_is_a_clear_line(tmp_path: Path) -> None:
    (tmp_path / "shop" / "before").mkdir(parents=True)
    (tmp_path / "shop" / "before" / "manifest.json").write_text(json.dumps({"a": 1}))
    with pytest.raises(ToolError, match="cannot be read"):
        Archives(tmp_path).manifest("shop", "before")
    with pytest.raises(ToolError, match="cannot be read"):
        digest_of(tmp_path / "none")


def test_the_way_back_has_the_digest_of_the_way_there() -> None:
    one, two = Change("1", "up", "down"), Change("2", "UP", None)
    there, back = Way("base", (one, two), down=False), Way("2", (two, one), down=True)
    assert there.digest == back.digest
    assert there.digest != Way("base", (one,), down=False).digest
    assert Way("base", (Change("1", "up", "other"),), down=False).digest != Way("base", (one,), down=False).digest
    with pytest.raises(ToolError, match="no down file"):
        two.text(down=True)


def test_revisions_follow_each_other_by_name(tmp_path: Path) -> None:
    for name in ("0002_b.up.sql", "0001_a.up.sql", "0001_a.down.sql", "notes.txt"):
        (tmp_path / name).write_text("-- steersman: no transaction\nSELECT 1" if "0002" in name else "SELECT 1")
    found = _read(tmp_path)
    assert [(c.revision, c.down is None, c.in_transaction) for c in found] == [
        ("0001_a", False, True),
        ("0002_b", True, False),
    ]


def test_a_password_is_read_from_memory_and_escaped() -> None:
    login = Login.model_validate({"user": "a:b", "password": "p\\w:1"})
    with _password_file(SERVER, login) as (path, descriptors):
        assert Path(path).read_text() == "db:5432:*:a\\:b:p\\\\w\\:1\n"
        assert Path(path).stat().st_mode & 0o077 == 0
        assert len(descriptors) <= 1


def test_a_failing_program_is_quoted_without_rows() -> None:
    detail = "DETAIL:  Key (email)=(a@b.c)\nCONTEXT:  COPY t: x"
    said = f'pg_restore: error: COPY failed for table "t": ERROR:  bad\n{detail}'
    assert "a@b.c" not in _reason(said)
    assert "COPY failed" in _reason(said)
    assert _reason("") == "it gave no reason"
