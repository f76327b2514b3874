"""Runs under MicroPython: lends the objects of the node's core to the tests in `remote.py`.

A line of JSON each way. Asked: [operation, ...]; answered: ["ok", value] or ["raise", class
name, arguments]. While it works it may itself ask ["callback", number, method, args, kwargs].
Only plain values travel; everything else stays where it is and goes by its number.
"""

import builtins
import json
import sys

lent = {}  # number -> (object, how often the tests were given it)
numbers = {}  # id of object -> number
counted = [0]


def lend(thing):
    number = numbers.get(id(thing))
    if number is None:
        counted[0] += 1
        number = numbers[id(thing)] = counted[0]
        lent[number] = (thing, 0)
    thing, count = lent[number]
    lent[number] = (thing, count + 1)
    return number


def give_back(returned):
    for number, times in returned:
        thing, count = lent[number]
        if count > times:
            lent[number] = (thing, count - times)
        else:
            del lent[number]
            del numbers[id(thing)]


class Foreign:
    """An object of the tests: its methods run there."""

    def __init__(self, number):
        self._number = number

    def __getattr__(self, name):
        return lambda *args, **kwargs: call_back(self._number, name, args, kwargs)

    def __call__(self, *args, **kwargs):
        return call_back(self._number, None, args, kwargs)


def pack(value):
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if kind in (list, tuple, set):
        return [{list: "list", tuple: "tuple", set: "set"}[kind]] + [pack(each) for each in value]
    if kind is dict:
        return ["dict"] + [[pack(key), pack(each)] for key, each in value.items()]
    if kind in (bytes, bytearray):
        return ["bytes", value.hex()]
    if isinstance(value, tuple):
        return ["named", kind.__name__] + [pack(each) for each in value]
    if isinstance(value, Foreign):
        return ["yours", value._number]
    return ["mine", lend(value)]


def unpack(value):
    if not isinstance(value, list):
        return value
    kind, rest = value[0], value[1:]
    if kind == "list":
        return [unpack(each) for each in rest]
    if kind == "tuple":
        return tuple([unpack(each) for each in rest])
    if kind == "set":
        return {unpack(each) for each in rest}
    if kind == "dict":
        return {unpack(key): unpack(each) for key, each in rest}
    if kind == "bytes":
        return bytes.fromhex(rest[0])
    if kind == "yours":
        return lent[rest[0]][0]
    if kind == "named":
        return getattr(module(rest[0]), rest[1])(*[unpack(each) for each in rest[2:]])
    if kind == "mine":
        return Foreign(rest[0])
    raise ValueError("unknown kind of value: " + kind)


def module(name):
    __import__(name)
    return sys.modules[name]


DO = {
    "python": lambda: sys.implementation[0],
    "module": module,
    "get": getattr,
    "set": setattr,
    "call": lambda function, args, kwargs: function(*args, **kwargs),
    "len": len,
    "bool": bool,
    "contains": lambda holder, thing: thing in holder,
    "item": lambda holder, key: holder[key],
    "list": list,
}


def send(message):
    sys.stdout.buffer.write(json.dumps(message).encode() + b"\n")


def call_back(number, method, args, kwargs):
    send(["callback", number, method, pack(args), pack(kwargs)])
    answer = serve()
    if answer[0] == "raise":
        raise getattr(builtins, answer[1])(*unpack(answer[2]))
    return unpack(answer[1])


def serve():
    """Do what is asked until an answer of the tests comes (to a callback), or the end."""
    while True:
        line = sys.stdin.buffer.readline()
        if not line:
            sys.exit()
        asked = json.loads(line)
        if asked[0] in ("ok", "raise"):
            return asked
        try:
            done = DO[asked[0]](*[unpack(each) for each in asked[2:]])
            send(["ok", pack(done)])
        except Exception as error:
            if not isinstance(error, (OSError, ValueError, KeyError)):
                sys.print_exception(error, sys.stderr)
            send(["raise", type(error).__name__, pack(error.args)])
        give_back(asked[1])


def print_aside(*words):
    sys.stderr.write(" ".join([str(each) for each in words]) + "\n")


builtins.print = print_aside  # the other way out is the tests'
serve()
