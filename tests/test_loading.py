"""Loading: one resource of a store, read only, in any Python program; written from the documentation alone."""

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
import textwrap
from contextlib import closing, suppress
from pathlib import Path

import pytest

from autogenesis_core import (
    InputError,
    Installed,
    Record,
    Registry,
    StoreError,
    TemplateError,
    UnknownName,
    load,
    parse_prompt,
)
from autogenesis_core.rspl.store import SHIPPED, Change, Store

HEAVY = ("hydra", "omegaconf", "litellm", "sqlalchemy", "cattrs", "rich", "pluggy", "asyncio", "yaml", "pydantic")
NOBODY, OWNER = 65534, 65533

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")

# Loads each name that it is told, and says the version and the first section, or the error. Becomes an ordinary user
# once all is imported, as the interpreter may be another one's.
SERVICE = """
import os, sys
from autogenesis_core import load
if user := int(sys.argv[3]):
    for name in ("prompt/greet", "prompt/gret"):
        try:
            load(name, workdir=sys.argv[2]).render(task="t")
        except LookupError:
            pass
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
print("ready", flush=True)
for line in sys.stdin:
    try:
        loaded = load(line.strip(), workdir=sys.argv[1])
        print(loaded.version.version, loaded.render(task="t")[0]["content"].splitlines()[1], flush=True)
    except Exception as error:
        print(type(error).__name__, " ".join(str(error).split()), flush=True)
"""


def greet(text, name="greet"):
    return parse_prompt(f"---\ndescription: Greets.\n---\n\n## Rules\n{text}\n\n## Task\n{{{{ task }}}}\n", name, "d")


def fill(workdir, *texts, branch="main", name="greet"):
    """A store whose prompt has a version for each text."""
    with Store.open(workdir / "autogenesis.db") as store:
        for text in texts:
            write(store, text, branch, name)
    return workdir


def write(store, text, branch="main", name="greet"):
    head = store.head(branch, "prompt", name)
    return store.commit(branch, [Change(greet(text, name), head.version if head else None)])[1][f"prompt/{name}"]


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def python(code, *arguments, **options):
    options = {"capture_output": True, "text": True, "timeout": 60, "check": False, **options}
    return subprocess.run([sys.executable, "-W", "error", "-c", textwrap.dedent(code), *arguments], **options)


class Service:
    """A program of its own that loads what it is asked for; as an ordinary user if it has a store to warm up on."""

    def __init__(self, workdir, warm=None):
        user = NOBODY if warm and os.geteuid() == 0 else 0
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", SERVICE, str(workdir), str(warm), str(user)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/",
        )  # fmt: skip
        assert self.process.stdout.readline() == "ready\n"

    def load(self, name="prompt/greet"):
        self.process.stdin.write(f"{name}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=30)


@pytest.fixture
def workdir(tmp_path):
    return fill(tmp_path / "workdir", "one", "two", "three")


@pytest.fixture
def warm(tmp_path):
    return fill(tmp_path / "warm", "warm")


@pytest.fixture
def common():
    """A folder that any user may enter; pytest's own are closed to all but one."""
    folder = Path(tempfile.mkdtemp(prefix="loading-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


# What a name means


def test_every_form_of_a_name_means_what_the_registry_says_it_means(workdir):
    with Registry.open(str(workdir)) as registry:
        registry.set_alias("prompt/greet@1.0.1", "production")
        registry.create_branch("trial")
        write(registry.store, "four", "trial")
        for at in ("", "@champion", "@main", "@trial", "@1.0.0", "@1.0.1", "@1.0.3", "@production"):
            loaded = load(f"prompt/greet{at}", workdir=workdir)
            assert registry.find(f"prompt/greet{at}") == loaded.version
            assert registry.record(f"prompt/greet{at}") == loaded.record


def test_a_name_alone_is_the_head_of_main(workdir):
    loaded = load("prompt/greet", workdir=workdir)
    assert loaded.version.version == "1.0.2"
    assert loaded.values == {"rules": "three", "task": "{{ task }}"}
    assert loaded.render(task="Hi") == [{"role": "system", "content": "## Rules\nthree\n\n## Task\nHi"}]


def test_a_folder_may_be_said_as_text_or_as_a_path(workdir):
    assert load("prompt/greet", workdir=str(workdir)) == load("prompt/greet", workdir=workdir)


def test_without_a_folder_it_is_the_nearest_store_upwards(workdir, tmp_path, monkeypatch):
    inner = workdir.parent / "src" / "service"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert load("prompt/greet").version.version == "1.0.2"
    fill(tmp_path / "elsewhere" / "workdir", "elsewhere")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert load("prompt/greet").values["rules"] == "elsewhere"
    monkeypatch.chdir(workdir.parent)
    assert load("prompt/greet").values["rules"] == "three"


def test_a_nearer_store_that_was_made_since_is_the_nearest(workdir, monkeypatch):
    inner = workdir.parent / "src"
    inner.mkdir()
    monkeypatch.chdir(inner)
    assert load("prompt/greet").values["rules"] == "three"
    fill(inner / "workdir", "inner")
    assert load("prompt/greet").values["rules"] == "inner"


def test_a_relative_folder_is_relative_to_where_the_program_is_now(tmp_path, monkeypatch):
    for name in "ab":
        fill(tmp_path / name / "workdir", name)
    for name in "aba":
        monkeypatch.chdir(tmp_path / name)
        assert load("prompt/greet", workdir="workdir").values["rules"] == name


def test_champion_is_the_head_of_the_branch_that_was_said(workdir):
    with Registry.open(str(workdir)) as registry:
        registry.create_branch("trial")
        write(registry.store, "four", "trial")
    for name in ("prompt/greet", "prompt/greet@champion", "prompt/greet@trial"):
        assert load(name, workdir=workdir, branch="trial").values["rules"] == "four"
    assert load("prompt/greet@main", workdir=workdir, branch="trial").values["rules"] == "three"
    assert load("prompt/greet", workdir=workdir).values["rules"] == "three"


def test_a_resource_without_a_head_on_the_branch_is_the_shipped_one(workdir):
    fill(workdir, "shipped text", branch=SHIPPED, name="other")
    assert load("prompt/other", workdir=workdir).values["rules"] == "shipped text"
    assert load("prompt/other@champion", workdir=workdir).version.branch == SHIPPED


def test_a_store_that_has_only_the_demonstration_is_read_there(tmp_path):
    fill(tmp_path, "shipped", branch=SHIPPED)
    assert load("prompt/greet", workdir=tmp_path).values["rules"] == "shipped"
    with Store.open(tmp_path / "autogenesis.db") as store:
        store.commit("demo", [Change(greet("demonstrated"), "1.0.0")])
    assert load("prompt/greet", workdir=tmp_path).values["rules"] == "demonstrated"
    fill(tmp_path, "main", branch="main", name="more")
    assert load("prompt/greet", workdir=tmp_path).values["rules"] == "shipped"


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("prompt/gret", "prompt/greet"),
        ("prompt/greet@1.0.9", "prompt/greet@1.0."),
        ("prompt/greet@champoin", "prompt/greet@champion"),
        ("prompt/greet@prodution", "prompt/greet@production"),
        ("prompt/greet@mian", "prompt/greet@main"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(workdir, name, nearest):
    with Registry.open(str(workdir)) as registry:
        registry.set_alias("prompt/greet@1.0.1", "production")
    with pytest.raises(UnknownName, match=f"did you mean {nearest}"):
        load(name, workdir=workdir)


def test_an_unknown_branch_is_answered_with_the_nearest(workdir):
    with pytest.raises(UnknownName, match="main"):
        load("prompt/greet", workdir=workdir, branch="mian")


@pytest.mark.parametrize(
    "name",
    ["", "greet", "/", "prompt/", "/greet", "prompt//greet", "promt/greet", "prompt/../greet", "prompt/greet@", "@main",
     "prompt/greet@@main", "prompt/greet\0", "prompt/ä b", "prompt/" + "x" * 100_000, "prompt/greet@" + "9" * 100_000],
    ids=lambda name: name[:20].replace("\0", "NUL") or "nothing",
)  # fmt: skip
def test_what_cannot_be_a_name_is_an_input_error(workdir, name):
    with pytest.raises(InputError):
        load(name, workdir=workdir)


# What is loaded


def test_what_was_loaded_stays_as_it_was(workdir):
    before = load("prompt/greet", workdir=workdir)
    fill(workdir, "four")
    assert before.render(task="x")[0]["content"] == "## Rules\nthree\n\n## Task\nx"
    assert (before.version.version, before.values["rules"]) == ("1.0.2", "three")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda loaded: loaded.values["weights"]["a"].append(2.0),
        lambda loaded: loaded.values.clear(),
        lambda loaded: loaded.record.parameters["weights"]["a"].append(2.0),
        lambda loaded: loaded.record.to_json()["parameters"]["weights"].clear(),
        lambda loaded: loaded.record.values()["weights"]["a"].clear(),
    ],
    ids=["a value", "the values", "the parameters", "the JSON", "the record's values"],
)
def test_what_one_does_with_what_was_loaded_changes_nothing_for_others(tmp_path, spoil):
    policy = Record("agent", "policy", "", Installed("d", "agent/policy", "h"), {"weights": {"a": [1.0]}})
    with Store.open(tmp_path / "autogenesis.db") as store:
        store.commit("main", [Change(policy, None)])
    with suppress(TypeError, AttributeError):  # to be refused is as good
        spoil(load("agent/policy", workdir=tmp_path))
    assert load("agent/policy", workdir=tmp_path).values == {"weights": {"a": [1.0]}}


def test_rendered_messages_are_the_callers_own(workdir):
    load("prompt/greet", workdir=workdir).render(task="x")[0]["content"] = "spoilt"
    assert load("prompt/greet", workdir=workdir).render(task="x")[0]["content"] == "## Rules\nthree\n\n## Task\nx"


def test_only_a_prompt_is_rendered(workdir):
    with Store.open(workdir / "autogenesis.db") as store:
        store.commit("main", [Change(Record("tool", "t", "", Installed("d", "tool/t", "h"), {"n": 1}), None)])
    loaded = load("tool/t", workdir=workdir)
    assert loaded.values == {"n": 1}
    with pytest.raises(InputError, match="tool/t"):
        loaded.render()


def test_an_input_that_is_missing_is_said(workdir):
    with pytest.raises(TemplateError, match="task"):
        load("prompt/greet", workdir=workdir).render()


def test_inputs_are_data_and_no_template(workdir):
    text = "{{ secret }} {% raw %} ## Rules"
    rendered = load("prompt/greet", workdir=workdir).render(task=text)
    assert rendered == [{"role": "system", "content": f"## Rules\nthree\n\n## Task\n{text}"}]


# Changes


def test_a_commit_is_seen_at_the_next_load(workdir):
    with Registry.open(str(workdir)) as registry:
        assert load("prompt/greet", workdir=workdir).version.version == "1.0.2"
        write(registry.store, "four")
        assert load("prompt/greet", workdir=workdir).version.version == "1.0.3"
        registry.set_alias("prompt/greet@1.0.0", "production")
        assert load("prompt/greet@production", workdir=workdir).version.version == "1.0.0"
        registry.set_alias("prompt/greet@1.0.3", "production")
        assert load("prompt/greet@production", workdir=workdir).version.version == "1.0.3"
        registry.set_alias("prompt/greet", "production", remove=True)
        with pytest.raises(UnknownName):
            load("prompt/greet@production", workdir=workdir)
        registry.mark("prompt/greet@1.0.0", "deprecated")
        assert load("prompt/greet@1.0.0", workdir=workdir).version.state == "deprecated"


def test_a_commit_of_another_process_is_seen_at_the_next_load(workdir):
    with Service(workdir) as service:
        assert service.load() == "1.0.2 three"
        fill(workdir, "four")
        assert service.load() == "1.0.3 four"
        with Store.open(workdir / "autogenesis.db") as store:  # and while the writer keeps it open
            write(store, "five")
            assert service.load() == "1.0.4 five"
        assert service.load("prompt/new").startswith("UnknownName")
        fill(workdir, "hello", name="new")
        assert service.load("prompt/new") == "1.0.0 hello"


def test_a_service_that_loads_does_not_hinder_writers(workdir):
    with Service(workdir) as service:
        service.load()
        for count in range(20):
            fill(workdir, f"n{count}")
        assert service.load() == "1.0.22 n19"
    with Store.open(workdir / "autogenesis.db") as store:
        assert store.verify() is None


def test_loading_writes_nothing_into_the_store(workdir):
    """SQLite's own files beside it aside: they hold nothing, and whoever writes next takes them away."""
    before = contents(workdir)
    with Service(workdir) as service:
        assert service.load() == "1.0.2 three"
        assert service.load("prompt/gret").startswith("UnknownName")
        assert service.load("prompt/greet@1.0.0") == "1.0.0 one"
    after = contents(workdir)
    assert before["autogenesis.db"] == after["autogenesis.db"]
    assert after.keys() <= {"autogenesis.db", "autogenesis.db-shm", "autogenesis.db-wal"}
    assert not after.get("autogenesis.db-wal")
    fill(workdir, "four")
    assert [*contents(workdir)] == ["autogenesis.db"]


THREADS = """
import sys, threading
from autogenesis_core import load
problems, seen = [], set()

def work():
    last = -1
    try:
        for _ in range(200):
            loaded = load("prompt/greet", workdir=sys.argv[1])
            number = loaded.version.number
            if loaded.values["rules"] != f"text {number}":
                problems.append(f"{loaded.version} has {loaded.values['rules']}")
            if number < last:
                problems.append(f"{number} after {last}")
            last = number
            seen.add(number)
    except BaseException as error:
        problems.append(repr(error))

threads = [threading.Thread(target=work) for _ in range(16)]
print("ready", flush=True)
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(seen), problems[:5])
sys.exit(bool(problems))
"""


def test_16_threads_load_while_another_process_commits(tmp_path):
    fill(tmp_path, "text 0")
    with Store.open(tmp_path / "autogenesis.db") as store:
        process = subprocess.Popen([sys.executable, "-c", THREADS, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        process.stdout.readline()
        count = 0
        while process.poll() is None and count < 5_000:
            count += 1
            write(store, f"text {count}")
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert int(said.split()[0]) > 1


def test_threads_of_one_program_load_while_it_commits_itself(tmp_path):
    fill(tmp_path, "text 0")
    done = python(
        """
        import sys, threading
        from pathlib import Path
        from autogenesis_core import Registry, load
        problems, over = [], threading.Event()
        def work():
            try:
                while not over.is_set():
                    loaded = load("prompt/greet", workdir=sys.argv[1])
                    if loaded.values["rules"] != f"text {loaded.version.number}":
                        problems.append(str(loaded.version))
            except BaseException as error:
                problems.append(repr(error))
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads: thread.start()
        with Registry.open(sys.argv[1]) as registry:
            for count in range(1, 30):
                text = registry.text("prompt/greet").replace(f"text {count - 1}", f"text {count}")
                registry.update("prompt/greet", text)
                if load("prompt/greet", workdir=sys.argv[1]).version.number != count:
                    problems.append(f"{count} was not seen at once")
        over.set()
        for thread in threads: thread.join()
        sys.exit(f"{problems[:5]}" if problems else 0)
        """,
        str(tmp_path),
    )
    assert done.returncode == 0, done.stderr


def test_a_forked_child_loads_what_was_committed_since(workdir):
    done = python(
        """
        import os, sys, warnings
        from pathlib import Path
        from autogenesis_core import load
        from autogenesis_core.rspl.store import Change, Store
        assert load("prompt/greet", workdir=sys.argv[1]).version.version == "1.0.2"
        go, told = os.pipe(), os.pipe()
        if not (child := os.fork()):
            assert load("prompt/greet", workdir=sys.argv[1]).version.version == "1.0.2"
            os.write(told[1], b"x"); os.read(go[0], 1)
            good = load("prompt/greet", workdir=sys.argv[1]).version.version == "1.0.3"
            os._exit(0 if good else 3)
        os.read(told[0], 1)
        with Store.open(Path(sys.argv[1]) / "autogenesis.db") as store:
            record = store.record(store.head("main", "prompt", "greet").digest).with_values({"rules": "four"})
            store.commit("main", [Change(record, "1.0.2")])
        os.write(go[1], b"x")
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert load("prompt/greet", workdir=sys.argv[1]).version.version == "1.0.3"
        """,
        str(workdir),
    )
    assert done.returncode == 0, done.stderr
    with Store.open(workdir / "autogenesis.db") as store:
        assert store.verify() is None


def test_a_child_that_is_forked_while_threads_load_is_not_stuck(workdir):
    done = python(
        """
        import os, signal, sys, threading, warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # forking with threads is the very thing that is tried
        from autogenesis_core import load
        over = threading.Event()
        def work():
            while not over.is_set():
                load("prompt/greet", workdir=sys.argv[1])
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads: thread.start()
        code = 0
        for _ in range(20):
            if not (child := os.fork()):
                signal.alarm(3)
                os._exit(0 if load("prompt/greet", workdir=sys.argv[1]).version.version == "1.0.2" else 3)
            if code := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
                break
        over.set()
        for thread in threads: thread.join()
        sys.exit(f"a child ended with {code}" if code else 0)
        """,
        str(workdir),
    )
    assert done.returncode == 0, done.stderr


# The file


def test_a_store_that_was_replaced_is_read_anew(tmp_path):
    fill(tmp_path / "a", "first")
    fill(tmp_path / "b", "second")
    assert load("prompt/greet", workdir=tmp_path / "a").values["rules"] == "first"
    os.replace(tmp_path / "b" / "autogenesis.db", tmp_path / "a" / "autogenesis.db")
    assert load("prompt/greet", workdir=tmp_path / "a").values["rules"] == "second"


def test_a_store_that_was_deleted_is_no_store_and_a_new_one_is_read(tmp_path):
    fill(tmp_path, "first")
    load("prompt/greet", workdir=tmp_path)
    for path in tmp_path.iterdir():
        path.unlink()
    with pytest.raises(InputError, match="no store"):
        load("prompt/greet", workdir=tmp_path)
    assert contents(tmp_path) == {}
    fill(tmp_path, "second")
    assert load("prompt/greet", workdir=tmp_path).values["rules"] == "second"


def test_a_link_that_was_set_to_another_folder_is_followed(tmp_path):
    for name in "ab":
        fill(tmp_path / name, name)
    (tmp_path / "now").symlink_to(tmp_path / "a")
    assert load("prompt/greet", workdir=tmp_path / "now").values["rules"] == "a"
    (tmp_path / "now").unlink()
    (tmp_path / "now").symlink_to(tmp_path / "b")
    assert load("prompt/greet", workdir=tmp_path / "now").values["rules"] == "b"


def test_a_store_that_became_something_else_is_said_to_be_none(workdir):
    load("prompt/greet", workdir=workdir)
    for path in workdir.iterdir():
        path.unlink()
    (workdir / "autogenesis.db").write_text("somebody's notes " * 500)
    with pytest.raises(StoreError, match=r"autogenesis\.db"):
        load("prompt/greet", workdir=workdir)


def test_without_a_store_it_says_so_and_makes_none(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="no store"):
        load("prompt/greet", workdir=tmp_path / "not" / "there")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="no store"):
        load("prompt/greet")
    assert list(tmp_path.iterdir()) == []


def text_file(path):
    path.write_text("somebody's notes " * 500)


def foreign(path):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE heads (a)")


def empty(path):
    path.write_bytes(b"")


def old(path):
    shutil.copy(Path(__file__).parent / "rspl" / "data" / "store_schema_1.db", path)


def newer(path):
    fill(path.parent, "one")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA user_version = 99")


def torn(path):
    fill(path.parent, *(f"{count} " * 2_000 for count in range(20)))
    path.write_bytes(path.read_bytes()[:30_000])


@pytest.mark.parametrize("make", [text_file, foreign, empty, old, newer, torn], ids=lambda make: make.__name__)
def test_a_file_that_is_no_store_of_this_program_is_said_to_be_none_and_is_not_touched(tmp_path, make):
    make(tmp_path / "autogenesis.db")
    before = (tmp_path / "autogenesis.db").read_bytes()
    with pytest.raises(StoreError, match=r"autogenesis\.db"):
        load("prompt/greet", workdir=tmp_path)
    assert before == (tmp_path / "autogenesis.db").read_bytes()


def test_a_folder_of_the_stores_name_is_no_store(tmp_path):
    (tmp_path / "autogenesis.db").mkdir()
    with pytest.raises((StoreError, InputError), match=r"autogenesis\.db"):
        load("prompt/greet", workdir=tmp_path)


def test_a_record_that_was_altered_is_not_handed_out(workdir):
    with closing(sqlite3.connect(workdir / "autogenesis.db")) as connection, connection:
        connection.execute("UPDATE records SET body = replace(body, 'three', 'thr33')")
    with pytest.raises(StoreError):
        load("prompt/greet", workdir=workdir)
    assert load("prompt/greet@1.0.0", workdir=workdir).values["rules"] == "one"


# As an ordinary user


def protect(folder, file_mode, folder_mode):
    for path in folder.iterdir():
        path.chmod(file_mode)
    folder.chmod(folder_mode)


def test_a_store_in_a_folder_that_may_only_be_read_is_read(common, warm):
    fill(common / "workdir", "one")
    protect(common / "workdir", 0o444, 0o555)
    with Service(common / "workdir", warm) as service:
        assert service.load() == "1.0.0 one"
        assert service.load("prompt/greet@champion") == "1.0.0 one"
    assert sorted(contents(common / "workdir")) == ["autogenesis.db"]


def test_a_file_that_may_only_be_read_in_a_folder_that_may_be_written_is_read(common, warm):
    fill(common / "workdir", "one")
    protect(common / "workdir", 0o444, 0o777)
    before = (common / "workdir" / "autogenesis.db").read_bytes()
    with Service(common / "workdir", warm) as service:
        assert service.load() == "1.0.0 one"
    assert before == (common / "workdir" / "autogenesis.db").read_bytes()


@needs_root
def test_one_who_may_only_read_does_not_keep_the_owner_from_writing(common, warm):
    folder = fill(common / "workdir", "one")
    protect(folder, 0o644, 0o777)
    os.chown(folder / "autogenesis.db", OWNER, OWNER)
    with Service(folder, warm) as service:
        assert service.load() == "1.0.0 one"
        done = python(
            """
            import os, sys
            from pathlib import Path
            from autogenesis_core.rspl.store import Change, Store
            Store.memory().close()
            os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[2]))
            with Store.open(Path(sys.argv[1]) / "autogenesis.db") as store:
                record = store.record(store.head("main", "prompt", "greet").digest).with_values({"rules": "two"})
                store.commit("main", [Change(record, "1.0.0")])
            """,
            str(folder), str(OWNER),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert service.load() == "1.0.1 two"


@needs_root
def test_one_who_may_only_read_sees_what_another_user_commits(common, warm):
    folder = fill(common / "workdir", "one")
    protect(folder, 0o644, 0o755)
    with Service(folder, warm) as service:
        assert service.load() == "1.0.0 one"
        fill(folder, "two")
        assert service.load() == "1.0.1 two"
        with Store.open(folder / "autogenesis.db") as store:
            write(store, "three")
            assert service.load() == "1.0.2 three"
            write(store, "four")
            assert service.load() == "1.0.3 four"
        assert service.load() == "1.0.3 four"
        fill(folder, "five")
        assert service.load() == "1.0.4 five"
    with Store.open(folder / "autogenesis.db") as store:
        assert store.verify() is None


@needs_root
def test_one_who_may_only_read_begins_while_another_user_writes(common, warm):
    folder = fill(common / "workdir", "one")
    protect(folder, 0o644, 0o755)
    with Store.open(folder / "autogenesis.db") as store:
        write(store, "two")
        with Service(folder, warm) as service:
            assert service.load() == "1.0.1 two"
            write(store, "three")
            assert service.load() == "1.0.2 three"


@needs_root
@pytest.mark.parametrize(("file_mode", "folder_mode"), [(0o600, 0o755), (0o644, 0o700)], ids=["file", "folder"])
def test_a_store_that_may_not_be_read_is_an_error_for_people(common, warm, file_mode, folder_mode):
    folder = fill(common / "workdir", "one")
    protect(folder, file_mode, folder_mode)
    with Service(folder, warm) as service:
        said = service.load()
    assert said.startswith(("StoreError", "InputError")), said
    assert "autogenesis.db" in said or str(folder) in said
    assert stat.S_IMODE((folder / "autogenesis.db").stat().st_mode) == file_mode


# What it costs to import


def test_loading_imports_nothing_heavy(workdir):
    done = python(
        """
        import json, sys
        from autogenesis_core import load
        load("prompt/greet@champion", workdir=sys.argv[1])
        print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
        """,
        str(workdir),
    )
    assert done.returncode == 0, done.stderr
    assert [name for name in HEAVY if name in json.loads(done.stdout)] == []


def test_rendering_imports_nothing_heavy_but_its_templates(workdir):
    done = python(
        """
        import json, sys
        from autogenesis_core import load
        load("prompt/greet@champion", workdir=sys.argv[1]).render(task="x")
        print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
        """,
        str(workdir),
    )
    assert done.returncode == 0, done.stderr
    names = json.loads(done.stdout)
    assert [name for name in HEAVY if name in names and name != "asyncio"] == []  # jinja2 itself imports asyncio
