"""Who may import whom, which library comes in by which door, and how large things may be.

The rules are the tables below; the tests walk the imports of every module, also those inside
functions and under TYPE_CHECKING, and say which module breaks which rule.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "kinto_lite"

FLOOR_0 = (
    "defaults",
    "errors",
    "ini",
    "log_sections",
    "logs",
    "model",
    "settings",
    "settings_table",
    "shared_folder",
    "version",
)
FLOOR_1 = (
    "permissions",
    "protocol",
    "storage.base",
    "storage.kinto_objects",
    "storage.moving",
    "storage.named_queries",
    "storage.narrowing",
    "storage.parts",
    "storage.builder",
)
BELOW_2 = (*FLOOR_0, *FLOOR_1)

#: A room, and the rooms it may import beside itself. A room is a module or a folder.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(FLOOR_0, FLOOR_0),
    **dict.fromkeys(FLOOR_1, FLOOR_0),
    "storage.moving": (*FLOOR_0, "storage.base"),
    "storage.builder": (*FLOOR_0, "storage.base"),
    "storage.kinto_objects": (*FLOOR_0, "protocol", "storage.base", "storage.moving"),
    "hooks": BELOW_2,
    "storage.sqlite": BELOW_2,
    "storage.postgres": BELOW_2,
    "storage": BELOW_2,
    "resources": (*BELOW_2, "hooks"),
    "pipeline": (*BELOW_2, "hooks", "resources"),
    "web": (*BELOW_2, "hooks", "resources", "pipeline"),
    "events": (*BELOW_2, "hooks"),
    "extensions": (*BELOW_2, "hooks", "events", "resources"),
    "plugins": (*BELOW_2, "hooks", "events", "resources", "pipeline"),
    "server": (*BELOW_2, "web"),
}

#: These wire everything: the package itself (`make_app`), the command line, a worker process.
MAY_IMPORT_ALL = ("", "__main__", "assembly", "cli", "commands", "worker")

#: The one room, or the one module, that may import a library.
DOORS = {
    "apsw": "storage.sqlite",
    "bcrypt": "plugins.accounts.passwords",
    "bottle": "web",
    "h11": "server",
    "httptools": "server",
    "jsonpatch": "protocol.patches",
    "jsonpointer": "protocol.patches",
    "jsonschema": "protocol.schemas",
    "jwt": "plugins.openid.keys",
    "jsonschema_specifications": "protocol.schemas",
    "prometheus_client": "plugins.prometheus.metrics",
    "psycopg": "storage.postgres.driver",
    "referencing": "protocol.schemas",
    "uvloop": "server",
}

#: Libraries that one file of their room imports.
ONE_FILE_DOORS = ("h11", "httptools", "uvloop")

MAX_P90_LINES = 26
MAX_LINES = 50

#: Words of unfinished work.
LEFT_BEHIND = ("TODO", "FIXME")


@cache
def parse_modules() -> dict[str, ast.Module]:
    """Return the syntax tree of every module by its name below the package ("" is the root)."""
    return {name_module(path): ast.parse(path.read_text("utf-8"), path) for path in list_files()}


def list_files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def name_module(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def find_room(module: str) -> str:
    """Return the room of a module: the longest name of the table that leads to it."""
    rooms = [room for room in MAY_IMPORT if is_within(module, room)]
    return max(rooms, key=len, default=module)


def wires(module: str) -> bool:
    return module.partition(".")[0] in MAY_IMPORT_ALL


def is_within(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


def list_imports(module: str) -> Iterator[str]:
    """Yield the full names a module imports, wherever in it they stand."""
    for node in ast.walk(parse_modules()[module]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = resolve(module, node)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def resolve(module: str, node: ast.ImportFrom) -> str:
    """Return the absolute name of what a `from` import imports from."""
    if node.level == 0:
        return node.module or ""
    is_package = (PACKAGE / module.replace(".", "/") / "__init__.py").exists()
    parts = ["kinto_lite", *module.split(".")] if module else ["kinto_lite"]
    kept = parts[: len(parts) - node.level + is_package]
    return ".".join([*kept, node.module] if node.module else kept)


def list_own_imports(module: str) -> set[str]:
    """Return the modules of the package that a module imports."""
    found = set()
    for full_name in list_imports(module):
        top, _, name = full_name.partition(".")
        if top == "kinto_lite":
            found.add(name if name in parse_modules() else name.rpartition(".")[0])
    return found


def list_libraries(module: str) -> set[str]:
    """Return the top names of what a module imports from outside."""
    tops = {name.partition(".")[0] for name in list_imports(module)}
    return tops - set(sys.stdlib_module_names) - {"kinto_lite"}


def list_function_lengths() -> list[tuple[int, str]]:
    """Return (lines, place) of every function; its docstring does not count."""
    found = []
    for module, tree in parse_modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found.append((count_lines(node), f"{module}:{node.lineno} {node.name}"))
    return sorted(found)


def count_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    if ast.get_docstring(node) is not None:
        doc = node.body[0]
        lines -= (doc.end_lineno or doc.lineno) - doc.lineno + 1
    return lines


def test_every_module_belongs_to_a_room() -> None:
    homeless = [
        module
        for module in parse_modules()
        if not wires(module) and find_room(module) not in MAY_IMPORT
    ]
    assert homeless == []


def test_rooms_import_only_what_their_floor_allows() -> None:
    wrong = []
    for module in parse_modules():
        if wires(module):
            continue
        room = find_room(module)
        for imported in sorted(list_own_imports(module)):
            if find_room(imported) not in (room, *MAY_IMPORT.get(room, ())):
                wrong.append(f"{module} imports {imported}")
    assert wrong == []


def test_no_module_imports_itself_through_others() -> None:
    edges = {module: list_own_imports(module) for module in parse_modules()}
    circles = []
    for start in edges:
        reached: set[str] = set()
        waiting = set(edges[start])
        while waiting:
            module = waiting.pop()
            reached.add(module)
            waiting |= edges.get(module, set()) - reached
        if start in reached:
            circles.append(start)
    assert circles == []


def test_every_library_comes_in_by_its_door() -> None:
    wrong = []
    for module in parse_modules():
        for library in sorted(list_libraries(module)):
            if library not in DOORS or not is_within(module, DOORS[library]):
                wrong.append(f"{module} imports {library}")
    assert wrong == []


def test_server_libraries_are_imported_by_one_file_each() -> None:
    for library in ONE_FILE_DOORS:
        users = [module for module in parse_modules() if library in list_libraries(module)]
        assert len(users) == 1, f"{library} is imported by {users}"


def test_every_folder_with_modules_is_a_package() -> None:
    folders = {path.parent for path in list_files()}
    missing = [folder.name for folder in folders if not (folder / "__init__.py").exists()]
    assert missing == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [name for name, tree in parse_modules().items() if not ast.get_docstring(tree)]
    assert silent == []


def test_nine_functions_in_ten_are_short() -> None:
    lengths = list_function_lengths()
    lines, place = lengths[len(lengths) * 9 // 10]
    assert lines <= MAX_P90_LINES, place


def test_no_function_is_long() -> None:
    long = [(lines, place) for lines, place in list_function_lengths() if lines > MAX_LINES]
    assert long == []


def test_nothing_is_left_to_do() -> None:
    folders = (PACKAGE, ROOT / "scripts", ROOT / "docs")
    files = [path for folder in folders for path in folder.rglob("*") if is_text(path)]
    left = [
        path.relative_to(ROOT).as_posix()
        for path in [*files, ROOT / "README.md"]
        if any(word in path.read_text("utf-8") for word in LEFT_BEHIND)
    ]
    assert left == []


def is_text(path: Path) -> bool:
    """Tell whether a file is written by hand: code, SQL, scripts, documents."""
    is_script = path.is_file() and path.suffix == "" and path.parent.name == "scripts"
    return is_script or path.suffix in {".py", ".sql", ".md", ".ini", ".toml"}
