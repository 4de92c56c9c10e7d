from __future__ import annotations

import importlib
import inspect
import os
import pickle
import subprocess
import sys
import textwrap
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from waypost.errors import StartupError
from waypost.routing.importing import ProjectFinder, forget_project_modules, is_project_file, module_name, open_project
from waypost.routing.load import load_module

WriteTree = Callable[..., Path]
HANDLER = "def GET(request):\n    return __name__\n"
FOLDERS = ["api/[id]", "[...slug]", "[[...slug]]", "(group)", "feed.xml", ".well-known/a.b.c", "sp ace", "日本", "%5Fx"]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("route.py", "app.route"),
        ("api/posts/[id]/route.py", "app.api.posts.[id].route"),
        ("(admin)/stats/page.py", "app.(admin).stats.page"),
        ("[...slug]/route.py", "app.[\u2026slug].route"),
        ("[[...slug]]/route.py", "app.[[\u2026slug]].route"),
        ("feed.xml/route.py", "app.feed\u2024xml.route"),
        (".well-known/route.py", "app.\u2024well-known.route"),
    ],
)
def test_module_name(file: str, name: str) -> None:
    assert module_name(Path("/project/app", file), Path("/project/app")) == name


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_folder_imports_under_its_natural_name(write_tree: WriteTree, folder: str) -> None:
    file = f"app/{folder}/route.py"
    text = f"from . import near\nfrom .near import value\n{HANDLER}"
    app = write_tree({file: text, f"app/{folder}/near.py": "value = 5\n"})
    path = app.parent / file
    module = load_module(path, app)

    assert module.__name__ == module_name(path, app)
    assert module.__file__ == str(path)
    assert module.value == 5
    assert importlib.import_module(module.__name__) is module
    assert pickle.loads(pickle.dumps(module.GET)) is module.GET
    assert inspect.getsource(module.GET) == HANDLER
    assert module.GET.__code__.co_filename == str(path)  # what a debugger compares with its breakpoints


def test_names_that_differ_only_in_their_dots_are_different_modules(write_tree: WriteTree) -> None:
    app = write_tree({f"app/{name}/route.py": f"value = {name!r}\n" for name in ("a.b", "ab", "a..b", "a\u2024b")})
    values = {name: load_module(app / name / "route.py", app).value for name in ("a.b", "ab", "a..b")}

    assert values == {"a.b": "a.b", "ab": "ab", "a..b": "a..b"}


def test_packages_with_an_init_file(write_tree: WriteTree) -> None:
    app = write_tree(
        {
            "app/__init__.py": "here = 'app'\n",
            "app/[...slug]/__init__.py": "from .. import here\n",
            "app/[...slug]/route.py": "from . import here\n",
        }
    )

    assert load_module(app / "[...slug]/route.py", app).here == "app"


def test_traceback_shows_the_true_file_and_line(write_tree: WriteTree) -> None:
    app = write_tree({"app/[...slug]/route.py": "def GET(request):\n    return 1 / 0\n"})
    module = load_module(app / "[...slug]/route.py", app)
    try:
        module.GET(None)
    except ZeroDivisionError as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
    else:
        pytest.fail("the handler did not raise")

    assert (frame.filename, frame.lineno, frame.line) == (str(app / "[...slug]/route.py"), 2, "return 1 / 0")


def test_a_pickle_is_read_by_another_process_that_opened_the_project(write_tree: WriteTree) -> None:
    app = write_tree({"app/files/[...slug]/route.py": "def work(x):\n    return x * 2\n"})
    data = pickle.dumps(load_module(app / "files/[...slug]/route.py", app).work)
    program = """
        import pickle, sys
        from pathlib import Path
        from waypost.routing.importing import open_project
        open_project(Path(sys.argv[1]))
        print(pickle.load(sys.stdin.buffer)(21))
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(app)]
    done = subprocess.run(command, input=data, capture_output=True, check=True)

    assert done.stdout == b"42\n"


def test_coverage_counts_the_lines_of_a_catch_all(write_tree: WriteTree, tmp_path: Path) -> None:
    pytest.importorskip("coverage", reason="coverage is in the dependency group dev: pip install --group dev")
    app = write_tree(
        {
            "app/files/[...slug]/route.py": "def GET(request):\n    if request:\n        return 1\n    return 2\n",
            "run.py": (
                "from pathlib import Path\n"
                "from waypost.routing.load import load_module\n"
                "app = Path(__file__).parent / 'app'\n"
                "load_module(app / 'files/[...slug]/route.py', app).GET(None)\n"
            ),
        }
    )
    environment = {**os.environ, "COVERAGE_FILE": str(tmp_path / "data"), "COVERAGE_CORE": "ctrace"}
    environment.pop("COVERAGE_PROCESS_START", None)

    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "coverage", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout

    run("run", "--source=.", "run.py")
    row = next(line for line in run("report", "-m").splitlines() if "slug" in line)

    assert row.split() == [str((app / "files/[...slug]/route.py").relative_to(tmp_path)), "4", "1", "75%", "3"]


def test_shared_code_beside_app_is_importable(write_tree: WriteTree) -> None:
    route = "from lib.db import db\nfrom app._lib.x import x\n"
    app = write_tree({"lib/db.py": "db = 'here'\n", "app/_lib/x.py": "x = 1\n", "app/a/route.py": route})

    assert load_module(app / "a/route.py", app).db == "here"


def test_a_package_called_app_elsewhere_does_not_win(
    write_tree: WriteTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree({"elsewhere/app/__init__.py": "", "elsewhere/app/route.py": "value = 'foreign'\n"})
    monkeypatch.syspath_prepend(str(tmp_path / "elsewhere"))
    app = write_tree({"project/app/route.py": "value = 'ours'\n"}).parent / "project/app"

    assert load_module(app / "route.py", app).value == "ours"


def test_a_foreign_app_that_is_loaded_already_is_an_error(
    write_tree: WriteTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree({"elsewhere/app/__init__.py": ""})
    monkeypatch.syspath_prepend(str(tmp_path / "elsewhere"))
    importlib.import_module("app")
    app = write_tree({"project/app/route.py": ""}).parent / "project/app"
    try:
        with pytest.raises(StartupError, match="the name app is taken") as caught:
            open_project(app)
    finally:
        del sys.modules["app"]

    assert caught.value.file == tmp_path / "elsewhere/app/__init__.py"


def test_app_py_beside_the_folder_is_an_error(write_tree: WriteTree) -> None:
    app = write_tree({"app/route.py": HANDLER, "app.py": ""})

    with pytest.raises(StartupError, match="hides the folder app/") as caught:
        open_project(app)
    assert "main.py" in caught.value.remedy


def test_a_linked_app_folder_keeps_its_name(write_tree: WriteTree, tmp_path: Path) -> None:
    write_tree({"routes/[...x]/route.py": HANDLER, "project/lib.py": "x = 1\n"})
    app = tmp_path / "project/app"
    app.symlink_to(tmp_path / "routes")
    module = load_module(app / "[...x]/route.py", app)

    assert module.__name__ == "app.[\u2026x].route"
    assert module.__file__ == str(app / "[...x]/route.py")
    assert module.__name__ in forget_project_modules(app.parent)


def test_opening_twice_changes_nothing(write_tree: WriteTree) -> None:
    app = write_tree({"app/route.py": HANDLER})
    module = load_module(app / "route.py", app)
    before = list(sys.path), list(sys.meta_path)
    open_project(app)
    open_project(app.parent / "app")

    assert (list(sys.path), list(sys.meta_path)) == before
    assert load_module(app / "route.py", app) is module


def test_modules_imported_in_the_usual_way_before_are_kept(
    write_tree: WriteTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A unit test imports a handler, and makes the application afterwards.
    app = write_tree({"app/api/route.py": HANDLER})
    monkeypatch.syspath_prepend(str(app.parent))
    early = importlib.import_module("app.api.route")

    assert load_module(app / "api/route.py", app) is early


def test_two_projects_do_not_mix(write_tree: WriteTree, tmp_path: Path) -> None:
    trees: dict[str, Mapping[str, str]] = {
        name: {
            f"{name}/app/route.py": f"from lib.shared import who\n\n\ndef GET(request):\n    return who, {name!r}\n",
            f"{name}/lib/shared.py": f"who = 'lib of {name}'\n",
            f"{name}/app/only_{name}/[...x]/route.py": HANDLER,
        }
        for name in ("one", "two")
    }
    for tree in trees.values():
        write_tree(tree)
    first = load_module(tmp_path / "one/app/route.py", tmp_path / "one/app").GET
    second = load_module(tmp_path / "two/app/route.py", tmp_path / "two/app").GET

    assert second(None) == ("lib of two", "two")
    assert first(None) == ("lib of one", "one")  # what was made of the first project goes on working
    assert str(tmp_path / "one") not in sys.path
    assert sum(isinstance(finder, ProjectFinder) for finder in sys.meta_path) == 1
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("app.only_one.[\u2026x].route")
    again = load_module(tmp_path / "one/app/route.py", tmp_path / "one/app").GET
    assert again(None) == ("lib of one", "one")


def test_forget_takes_the_project_and_nothing_else(write_tree: WriteTree, tmp_path: Path) -> None:
    app = write_tree(
        {
            "app/[...x]/route.py": "import lib.db\nimport installed\n" + HANDLER,
            "lib/db.py": "",
            ".venv/lib/site-packages/installed.py": "",
        }
    )
    sys.path.append(str(tmp_path / ".venv/lib/site-packages"))
    load_module(app / "[...x]/route.py", app)
    others = {name for name in sys.modules if name.partition(".")[0] not in ("app", "lib")}
    try:
        forgotten = forget_project_modules(tmp_path)
        assert set(forgotten) == {"app", "app.[\u2026x]", "app.[\u2026x].route", "lib", "lib.db"}
        assert others <= set(sys.modules)
    finally:
        sys.modules.pop("installed", None)


def test_forget_leaves_a_module_that_is_being_imported(write_tree: WriteTree) -> None:
    # As main.py does, which makes the application while it is imported itself.
    app = write_tree(
        {
            "app/route.py": HANDLER,
            "app/starter.py": (
                "from pathlib import Path\n"
                "from waypost.routing.importing import forget_project_modules\n"
                "forgotten = forget_project_modules(Path(__file__).parent.parent)\n"
            ),
        }
    )
    module = load_module(app / "starter.py", app)

    assert module.__name__ == "app.starter"
    assert module.forgotten == []  # the package around it is needed, too
    assert "app.starter" in forget_project_modules(app.parent)


def test_reload_sees_a_change_of_the_same_second_and_length(
    write_tree: WriteTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Python's own check of its bytecode looks at whole seconds and the length.
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    app = write_tree({"app/route.py": "value = 1\n"})
    file = app / "route.py"
    os.utime(file, ns=(1_800_000_000_000_000_000, 1_800_000_000_000_000_000))
    first = load_module(file, app)
    cached = Path(importlib.util.cache_from_source(str(file)))
    os.utime(cached, ns=(1_800_000_000_100_000_000, 1_800_000_000_100_000_000))
    file.write_text("value = 2\n")
    os.utime(file, ns=(1_800_000_000_200_000_000, 1_800_000_000_200_000_000))
    forget_project_modules(app.parent)

    assert first.value == 1
    assert load_module(file, app).value == 2


def test_reload_finds_new_files_and_keeps_current_bytecode(
    write_tree: WriteTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    app = write_tree({"app/route.py": "value = 1\n"})
    os.utime(app / "route.py", (1_700_000_000, 1_700_000_000))
    load_module(app / "route.py", app)
    cached = Path(importlib.util.cache_from_source(str(app / "route.py")))
    listed = app.stat()
    (app / "other.py").write_text("value = 3\n")
    os.utime(app, ns=(listed.st_atime_ns, listed.st_mtime_ns))  # Python lists a folder again when its time changed
    forget_project_modules(app.parent)

    assert load_module(app / "other.py", app).value == 3
    assert cached.exists()


def test_a_folder_that_is_not_there_is_not_found(write_tree: WriteTree) -> None:
    open_project(write_tree({"app/route.py": HANDLER}))

    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("app.[\u2026slug].route")


def test_a_project_on_the_path_already_stays_there(
    write_tree: WriteTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = write_tree({"one/app/route.py": HANDLER, "two/app/route.py": HANDLER}).parent / "one/app"
    monkeypatch.syspath_prepend(str(tmp_path / "one"))
    before = list(sys.path)
    open_project(one)
    open_project(tmp_path / "two/app")

    assert sys.path == [str(tmp_path / "two"), *before]


def test_a_virtual_environment_inside_the_project_is_not_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "env"))

    assert not is_project_file(tmp_path / "env/lib/tool.py", tmp_path)
    assert is_project_file(tmp_path / "lib/tool.py", tmp_path)
    monkeypatch.setattr(sys, "prefix", str(tmp_path.parent))  # a project below the prefix, as in /usr/src
    assert is_project_file(tmp_path / "lib/tool.py", tmp_path)


def test_a_package_whose_parent_is_gone_is_left_alone(
    write_tree: WriteTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree({"parent/child/x.py": ""})
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.import_module("parent.child.x")
    del sys.modules["parent"]

    assert "parent.child.x" in forget_project_modules(tmp_path)
    sys.modules.pop("parent.child", None)
