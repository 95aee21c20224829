"""The scenarios. A file holds those about one subject; a scenario is a function with `@scenario("what must hold")`."""
import importlib
import pathlib

ALL = []


class Scenario:
    def __init__(self, function, title, needs_other):
        self.function, self.title, self.needs_other = function, title, needs_other
        self.name = f"{function.__module__.rpartition('.')[2]}.{function.__name__}".replace("_", "-")


def scenario(title, needs_other=False):
    def register(function):
        ALL.append(Scenario(function, title, needs_other))
        return function
    return register


def load():
    """Every scenario, by file and then as it stands there."""
    for path in sorted(pathlib.Path(__file__).parent.glob("[a-z]*.py")):
        importlib.import_module(f"{__name__}.{path.stem}")
    return ALL
