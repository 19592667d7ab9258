# Notes which line of the suite's code sent which bytes on a connection of
# redis-py, by the connection's local port and the bytes sent before.
#
# It must never change what is sent, or when: a command takes some microseconds
# more, and lines are looked at when the test has ended.
import os
import sys

_MOST = 20000  # calls that wait for the end of their test
_LIBRARY = os.path.dirname(os.path.realpath(os.__file__)) + os.sep
_LOOP = os.path.join(os.path.dirname(os.__file__), "asyncio", "events.py")  # what is above it called nothing
_PLUGIN = os.path.dirname(os.path.abspath(__file__)) + os.sep
_MODULES = ("redis.connection", "redis.asyncio.connection")

_calls = []  # port, bytes before, bytes, file, line
_own = {}  # by file name: whether it is the suite's
_watched = set()  # modules


def _is_own(name):
    parts = name.replace(os.sep, "/").split("/")
    return not (
        name.startswith("<") or "site-packages" in parts or "dist-packages" in parts
        or os.path.realpath(name).startswith(_LIBRARY) or name.startswith(_PLUGIN)
    )


def _caller(frame):
    """The innermost line of the suite's code; None: there is none."""
    while frame is not None:
        name = frame.f_code.co_filename
        own = _own.get(name)
        if own is None:
            own = _own[name] = _is_own(name)
        if own:
            return name, frame.f_lineno
        if name == _LOOP:
            return None
        frame = frame.f_back
    return None


def _port(connection):
    try:
        sock = getattr(connection, "_sock", None)
        if sock is not None:
            name = sock.getsockname()
        else:
            name = connection._writer.get_extra_info("sockname")
        return name[1] if isinstance(name, tuple) else 0
    except (OSError, AttributeError, IndexError):
        return 0


def _size(command):
    if isinstance(command, (bytes, str)):
        return len(command)
    return sum(len(item) for item in command)


def _fresh(connection):
    connection._flakehunt = [_port(connection), 0]


def _sent(connection, size, caller):
    state = getattr(connection, "_flakehunt", None)
    if state is None:  # it was open before it was watched
        return
    if caller is not None and state[0] and len(_calls) < _MOST:
        _calls.append((state[0], state[1], size) + caller)
    state[1] += size


def _watch_plain(cls):
    send = cls.send_packed_command

    def send_packed_command(self, command, *args, **kwargs):
        if not isinstance(command, (bytes, str, list, tuple)):
            command = list(command)
        caller = _caller(sys._getframe(1))
        result = send(self, command, *args, **kwargs)
        _sent(self, _size(command), caller)
        return result

    cls.send_packed_command = send_packed_command
    for name in ("on_connect", "on_connect_check_health"):
        theirs = cls.__dict__.get(name)
        if theirs is not None:
            setattr(cls, name, _plain(theirs))


def _plain(theirs):
    def connected(self, *args, **kwargs):
        _fresh(self)
        return theirs(self, *args, **kwargs)

    return connected


def _watch_async(cls):
    send = cls.send_packed_command

    async def send_packed_command(self, command, *args, **kwargs):
        if not isinstance(command, (bytes, str, list, tuple)):
            command = list(command)
        caller = _caller(sys._getframe(1))
        result = await send(self, command, *args, **kwargs)
        _sent(self, _size(command), caller)
        return result

    cls.send_packed_command = send_packed_command
    for name in ("on_connect", "on_connect_check_health"):
        theirs = cls.__dict__.get(name)
        if theirs is not None:
            setattr(cls, name, _awaited(theirs))


def _awaited(theirs):
    async def connected(self, *args, **kwargs):
        _fresh(self)
        return await theirs(self, *args, **kwargs)

    return connected


def watch():
    """Watches the connections of what has been imported of redis-py."""
    for name in _MODULES:
        module = sys.modules.get(name)
        if module is None or name in _watched:
            continue
        cls = getattr(module, "AbstractConnection", None) or getattr(module, "Connection", None)
        if cls is None or not hasattr(cls, "send_packed_command"):
            continue
        _watched.add(name)
        (_watch_async if "asyncio" in name else _watch_plain)(cls)


def take():
    """The event that tells of all calls since the last; None: there are none."""
    if not _calls:
        return None
    calls = _calls[:]
    del _calls[:]
    files, rows = {}, []
    for port, before, size, name, line in calls:
        n = files.setdefault(name, len(files))
        rows.append([port, before, size, n, line])
    return {"event": "calls", "files": [os.path.abspath(f) for f in files], "calls": rows}
