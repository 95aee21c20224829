"""What the peers in this folder share."""
import copy


def set_at(document, path, value):
    """A copy of the document with another value at the path."""
    broken = copy.deepcopy(document)
    place = broken
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return broken


def without(document, path):
    """A copy of the document without what is at the path."""
    broken = copy.deepcopy(document)
    place = broken
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return broken
