# Tells flakehunt where each test begins and ends, and what came of it.
#
# One line of JSON an event goes to the Unix socket in FLAKEHUNT_MARKS, and the
# test waits for the answer. Without the socket the plugin does nothing.
# FLAKEHUNT_WARM asks for turns: the tests are run as often as the socket says.
# FLAKEHUNT_ONLY names a file with a JSON list of the node ids to run.
import io
import json
import os
import signal
import socket
import sys
import threading
import time

import flakehunt_calls
import pytest

_PATH = os.environ.get("FLAKEHUNT_MARKS", "")
_ONLY = os.environ.get("FLAKEHUNT_ONLY", "")
_WARM = os.environ.get("FLAKEHUNT_WARM", "")
_OWNER = "FLAKEHUNT_PYTEST"  # the process of the session that is watched
_SOCKET = socket.socket  # plugins that forbid sockets replace it later
# In a list, as libraries that stop the clock replace functions in modules.
_CLOCK = [getattr(time, "time_ns", None) or (lambda: int(time.time() * 1e9))]
_LONGEST = 16 << 10  # characters of a message or a stack


class _Line:
    """The connection of one process: a forked child makes its own."""

    def __init__(self):
        self.lock = threading.Lock()
        self.pid = 0
        self.file = None

    def send(self, event):
        """Says one thing, and returns the answer; "" where nobody listens."""
        pid = os.getpid()
        event["at"] = _CLOCK[0]()
        event["worker"] = pid
        with self.lock:
            if self.pid != pid:
                self.pid, self.file = pid, self._connect()
            if self.file is None:
                return ""
            try:
                self.file.write((json.dumps(event) + "\n").encode("ascii"))
                self.file.flush()
                answer = self.file.readline()
                if not answer:
                    self.file = None
                return answer.decode("ascii", "replace").strip()
            except (OSError, ValueError):
                self.file = None
                return ""

    @staticmethod
    def _connect():
        try:
            s = _SOCKET(socket.AF_UNIX, socket.SOCK_STREAM)
            s.connect(_PATH)
            return s.makefile("rwb")
        except (OSError, AttributeError):
            return None


def _text(value):
    text = str(value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _junit_name(nodeid):
    """classname and name as pytest's own JUnit writer makes them of a node id."""
    path, bracket, params = nodeid.partition("[")
    names = path.split("::")
    names[0] = names[0].replace("/", ".")
    if names[0].endswith(".py"):
        names[0] = names[0][:-3]
    names[-1] += bracket + params
    return ".".join(names[:-1]), names[-1]


def _kind(exception):
    names = [c.__name__ for c in type(exception).__mro__]
    if isinstance(exception, AssertionError):
        return "assertion"
    if "TimeoutError" in names or str(exception).startswith("Timeout >"):
        return "timeout"  # of Python, of a client, of pytest-timeout
    if isinstance(exception, pytest.fail.Exception):
        return "assertion"
    return "error"


def _message(report, exception):
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None and crash.message:
        return _text(crash.message)
    if isinstance(report.longrepr, tuple):  # a skip: file, line, reason
        return _text(report.longrepr[2])
    if report.longrepr is not None:
        return _text(report.longrepr)
    return _text(exception)


def _reason(report):
    if getattr(report, "wasxfail", None) is not None:
        return _text(report.wasxfail or "expected failure")
    if isinstance(report.longrepr, tuple):
        reason = str(report.longrepr[2])
        return _text(reason[9:] if reason.startswith("Skipped: ") else reason)
    return ""


class Watch:
    """The plugin of one session."""

    def __init__(self, config):
        self.root = str(getattr(config, "rootpath", None) or config.rootdir)
        self.line = _Line()
        self.ended = {}  # by node id: the event that ended its latest attempt
        self.open = None  # the event that ends the test under way
        workers = getattr(config, "workerinput", {}).get("workercount", 1)
        self.more = {"concurrent": True} if workers > 1 else {}
        self.line.send({"event": "hello", "runner": "pytest", "version": pytest.__version__})

    def place(self, item):
        file, line, _ = item.location
        return os.path.normpath(os.path.join(self.root, file)), (line + 1 if line is not None else 0)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item):
        file, line = self.place(item)
        was = self.ended.get(item.nodeid)
        if was is not None and was["verdict"] == "fail":  # the runner tries it again
            self.line.send(dict(was, event="attempt"))
        classname, name = _junit_name(item.nodeid)
        common = dict(
            self.more, id=item.nodeid, titles=_titles(item.nodeid), classname=classname, name=name, file=file, line=line,
            attempt=was["attempt"] + 1 if was is not None else 1,
        )
        self.open = dict(common, event="end", verdict="pass")
        flakehunt_calls.watch()
        self.told()
        self.line.send(dict(common, event="begin"))
        yield

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item, call):
        outcome = yield
        end = self.open
        if end is None or end["id"] != item.nodeid:
            return
        report = outcome.get_result()
        self.note(end, report, call.excinfo.value if call.excinfo is not None else None)
        if report.when == "teardown":
            self.open = None
            self.ended[item.nodeid] = end
            self.told()
            self.line.send(end)

    def told(self):
        calls = flakehunt_calls.take()
        if calls is not None:
            self.line.send(calls)

    def pytest_collectreport(self, report):
        if report.failed and report.nodeid:
            file = os.path.join(self.root, report.nodeid.split("::", 1)[0])
            text = str(report.longrepr)
            errors = [l[1:].strip() for l in text.splitlines() if l.startswith("E ")]
            self.line.send({"event": "error", "kind": "error", "file": file, "message": _text("\n".join(errors) or text), "stack": _text(text)})

    def note(self, end, report, exception):
        if report.failed and end["verdict"] != "fail":
            message = _message(report, exception)
            if report.when in ("setup", "teardown"):  # in the words of pytest's JUnit writer
                message = 'failed on %s with "%s"' % (report.when, message)
            end.update(
                verdict="fail", kind=_kind(exception), message=message,
                stack=_text(report.longreprtext if hasattr(report, "longreprtext") else report.longrepr),
            )
        elif report.skipped and end["verdict"] == "pass":
            end.update(verdict="skip", message=_reason(report))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report):
        # Subtests (pytest-subtests, pytest 9) have reports of their own; pytest
        # counts a failed one, whether or not it fails the test that holds it.
        end = self.open
        if end is None or report.nodeid != end["id"] or not hasattr(report, "context") or not report.failed:
            return
        self.note(end, report, None)
        if end["message"].startswith(("assert ", "AssertionError")):
            end["kind"] = "assertion"
        describe = getattr(report, "sub_test_description", None)
        if describe is not None:
            end["message"] = _text(describe()) + ": " + end["message"]


def _titles(nodeid):
    path, bracket, params = nodeid.partition("[")
    names = path.split("::")
    names[-1] += bracket + params
    return names


class Turns:
    """Runs the tests that were collected again and again, each time in a fork of
    this process, which itself runs none."""

    def __init__(self, line):
        self.line = line

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        if session.testsfailed or _threads() or not hasattr(os, "fork"):
            return None  # it can't be forked: this process runs the tests, once
        sys.stdout.flush()
        sys.stderr.flush()
        while True:
            child = os.fork()
            if child == 0:
                numpy = sys.modules.get("numpy")
                if numpy is not None:  # Python's own random does this itself
                    numpy.random.seed()
                return None  # go on as pytest does
            _, status = os.waitpid(child, 0)
            if not os.WIFEXITED(status):  # the test took its process along
                if os.WTERMSIG(status) != signal.SIGKILL:
                    signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
                os.kill(os.getpid(), os.WTERMSIG(status))
                _leave(1)
            answer = self.line.send({"event": "again"}).split()
            if answer[:1] != ["ok"]:
                _leave(os.WEXITSTATUS(status))
            for setting in answer[1:]:
                name, _, value = setting.partition("=")
                os.environ[name] = value


def _threads():
    """Threads that a fork would miss: those that the suite's modules began."""
    plugins = ("pytest_rerunfailures", "pytest_timeout", "xdist", "execnet")
    return [
        t for t in threading.enumerate()
        if t is not threading.main_thread() and not str(getattr(getattr(t, "_target", None), "__module__", "")).startswith(plugins)
    ]


def _leave(status):
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


class Only:
    """Leaves the tests that were asked for."""

    def __init__(self, ids):
        self.ids = ids

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config, items):
        keep = [i for i in items if i.nodeid in self.ids]
        if len(keep) < len(items):
            config.hook.pytest_deselected(items=[i for i in items if i.nodeid not in self.ids])
            items[:] = keep


def _wanted():
    if not _ONLY:
        return None
    with io.open(_ONLY, encoding="utf-8") as f:
        return set(json.load(f))


def pytest_load_initial_conftests(early_config, args):
    # One test needs no workers: its boundaries are surer, and it starts sooner.
    if _ONLY and early_config.pluginmanager.hasplugin("xdist") and "--" not in args:
        args += ["-n", "0"]


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    worker = hasattr(config, "workerinput")
    pid = str(os.getpid())
    if not _PATH or not worker and os.environ.setdefault(_OWNER, pid) != pid:
        return  # a pytest that a test starts is not the suite
    watch = Watch(config)
    config.pluginmanager.register(watch, "flakehunt-watch")
    ids = _wanted()
    if ids is None:
        return
    config.pluginmanager.register(Only(ids), "flakehunt-only")
    if _WARM and not worker:
        config.pluginmanager.register(Turns(watch.line), "flakehunt-turns")
    root = str(getattr(config, "rootpath", None) or config.rootdir)
    files = sorted({os.path.join(root, i.split("::", 1)[0]) for i in ids})
    if all(os.path.exists(f) for f in files):
        config.args = files  # nothing else needs to be collected
