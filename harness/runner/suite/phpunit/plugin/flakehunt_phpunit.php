<?php
/*
 * Tells flakehunt where each test of PHPUnit begins and ends, and what came of it.
 *
 * One line of JSON an event goes to the Unix socket in FLAKEHUNT_MARKS, and the
 * test waits for the answer. Without the socket this file does nothing.
 * FLAKEHUNT_ONLY names a file with a JSON list of the tests to run.
 *
 * PHP includes this file before each script (auto_prepend_file). It waits for
 * PHPUnit's entry class to be loaded: then it is early enough to add to the
 * command line (9 and older) or to subscribe to events (10 and newer).
 */
namespace Flakehunt;

final class Line
{
    const LONGEST = 16384; // bytes of a message or a stack

    private static $path;
    private static $socket;
    private static $pid = 0;

    public static function open(string $path, string $runner)
    {
        self::$path = $path;
        self::send(['event' => 'hello', 'runner' => 'phpunit', 'version' => $runner]);
    }

    public static function send(array $event)
    {
        if (self::$pid !== \getmypid()) { // a forked child makes its own connection
            self::$pid = \getmypid();
            self::$socket = @\stream_socket_client('unix://' . self::$path, $code, $words, 5);
            if (self::$socket) {
                \stream_set_timeout(self::$socket, 3600);
            }
        }
        if (!self::$socket) {
            return;
        }
        $event['at'] = (int) (\microtime(true) * 1e6) * 1000;
        $event['worker'] = self::$pid;
        $line = \json_encode($event, \JSON_INVALID_UTF8_SUBSTITUTE | \JSON_UNESCAPED_SLASHES) . "\n";
        if (@\fwrite(self::$socket, $line) !== \strlen($line) || @\fgets(self::$socket) === false) {
            self::$socket = null;
        }
    }

    public static function text($value): string
    {
        $text = \trim((string) $value);
        return \strlen($text) <= self::LONGEST ? $text : \substr($text, 0, self::LONGEST) . '…';
    }

    public static function kind(string $class, string $message): string
    {
        if (\is_a($class, 'PHPUnit\Framework\AssertionFailedError', true)) {
            return 'assertion';
        }
        return \preg_match('/timeout/i', $class) || \preg_match('/\btimed out\b|\btime-?out\b/i', $message) ? 'timeout' : 'error';
    }
}

/** State is the test under way. PHPUnit runs one at a time in a process. */
final class State
{
    private static $open; // what its end is going to say

    public static function begin(array $test)
    {
        self::end();
        self::$open = $test + ['attempt' => 1, 'verdict' => 'pass'];
        Line::send($test + ['attempt' => 1, 'event' => 'begin']);
    }

    public static function note(array $test, array $what)
    {
        if (self::$open === null || self::$open['id'] !== $test['id']) {
            self::begin($test); // skipped or failed before it began
        }
        if (self::$open['verdict'] === 'pass') {
            self::$open = $what + self::$open;
        }
    }

    public static function end()
    {
        if (self::$open !== null) {
            $end = self::$open;
            self::$open = null;
            Line::send($end + ['event' => 'end']);
        }
    }
}

/** Only is the expression for --filter that leaves the tests asked for. */
function only()
{
    $file = \getenv('FLAKEHUNT_ONLY');
    if (!$file) {
        return null;
    }
    $names = \json_decode(\file_get_contents($file), true);
    $quoted = \array_map(function ($name) { return \preg_quote($name, '/'); }, $names);
    return '/^(?:' . \implode('|', $quoted) . ')\z/D';
}

/** Edits the command line: no filter of the user's where ours names the tests. */
function arguments(array $more)
{
    $argv = $_SERVER['argv'];
    $filter = only();
    if ($filter !== null) {
        for ($i = 1, $kept = [$argv[0]]; $i < \count($argv); $i++) {
            if ($argv[$i] === '--filter') {
                $i++;
            } elseif (\strpos($argv[$i], '--filter=') !== 0) {
                $kept[] = $argv[$i];
            }
        }
        $argv = $kept;
        \array_push($more, '--filter', $filter);
    }
    \array_splice($argv, 1, 0, $more);
    $_SERVER['argv'] = $GLOBALS['argv'] = $argv;
    $_SERVER['argc'] = $GLOBALS['argc'] = \count($argv);
}

function place(string $class, string $method): array
{
    try {
        $in = new \ReflectionMethod($class, $method);
        return ['file' => (string) (new \ReflectionClass($class))->getFileName(), 'line' => (int) $in->getStartLine()];
    } catch (\ReflectionException $e) {
        return [];
    }
}

function identity(string $class, string $name): array
{
    return [
        'id' => $class === '' ? $name : $class . '::' . $name, 'titles' => $class === '' ? [$name] : [$class, $name],
        'suite' => $class, 'classname' => \str_replace('\\', '.', $class), 'name' => $name,
    ];
}

/** PHPUnit 7 to 9: hooks, which are told a test's name; the test itself is in the caller's arguments. */
function hooks()
{
    return new class implements \PHPUnit\Runner\BeforeTestHook, \PHPUnit\Runner\AfterTestHook, \PHPUnit\Runner\AfterTestErrorHook,
        \PHPUnit\Runner\AfterTestFailureHook, \PHPUnit\Runner\AfterSkippedTestHook, \PHPUnit\Runner\AfterIncompleteTestHook,
        \PHPUnit\Runner\AfterTestWarningHook, \PHPUnit\Runner\AfterLastTestHook {
        private function caller(): array
        {
            return \debug_backtrace(0, 3)[2]['args'];
        }

        private function id($test): array
        {
            $words = \PHPUnit\Util\Test::describe($test);
            $at = $test instanceof \PHPUnit\Framework\TestCase ? place(\get_class($test), $test->getName(false)) : [];
            return identity($words[0], $words[1]) + $at;
        }

        public function executeBeforeTest(string $test): void
        {
            State::begin($this->id($this->caller()[0]));
        }

        private function failed(array $args): void
        {
            list($test, $e) = $args;
            $class = $e instanceof \PHPUnit\Framework\ExceptionWrapper ? $e->getClassName() : \get_class($e);
            State::note($this->id($test), [
                'verdict' => 'fail', 'kind' => Line::kind($class, $e->getMessage()),
                'message' => Line::text(\PHPUnit\Framework\TestFailure::exceptionToString($e)),
                'stack' => Line::text(\PHPUnit\Util\Filter::getFilteredStacktrace($e)),
            ]);
        }

        public function executeAfterTestError(string $test, string $message, float $time): void
        {
            $this->failed($this->caller());
        }

        public function executeAfterTestFailure(string $test, string $message, float $time): void
        {
            $this->failed($this->caller());
        }

        public function executeAfterSkippedTest(string $test, string $message, float $time): void
        {
            State::note($this->id($this->caller()[0]), ['verdict' => 'skip', 'message' => Line::text($message)]);
        }

        public function executeAfterIncompleteTest(string $test, string $message, float $time): void
        {
            State::note($this->id($this->caller()[0]), ['verdict' => 'todo', 'message' => Line::text($message)]);
        }

        public function executeAfterTestWarning(string $test, string $message, float $time): void
        {
            $of = $this->caller()[0];
            if ($of instanceof \PHPUnit\Framework\WarningTestCase) { // a class without tests, for instance
                State::note($this->id($of), ['verdict' => 'skip', 'message' => Line::text($message)]);
            }
        }

        public function executeAfterTest(string $test, float $time): void
        {
            State::end();
        }

        public function executeAfterLastTest(): void
        {
            State::end();
        }
    };
}

/** PHPUnit 10 and newer: events. */
function subscribe()
{
    $test = function ($event): array {
        $of = $event->test();
        if (!$of->isTestMethod()) {
            return identity('', \basename($of->file())) + ['file' => $of->file()];
        }
        $name = $of->methodName();
        if ($of->testData()->hasDataFromDataProvider()) {
            $set = $of->testData()->dataFromDataProvider()->dataSetName();
            $name .= \is_int($set) ? ' with data set #' . $set : ' with data set "' . $set . '"';
        }
        $id = identity($of->className(), $name) + ['file' => $of->file(), 'line' => $of->line()];
        foreach (\debug_backtrace(\DEBUG_BACKTRACE_IGNORE_ARGS, 16) as $frame) {
            if ($frame['function'] === 'forward') { // told by a child process after it ended
                return $id + ['concurrent' => true];
            }
        }
        return $id;
    };
    $failed = function ($event) use ($test) {
        $e = $event->throwable();
        State::note($test($event), [
            'verdict' => 'fail', 'kind' => Line::kind($e->className(), $e->message()),
            'message' => Line::text($e->description()), 'stack' => Line::text($e->stackTrace()),
        ]);
    };
    $told = function (string $verdict, string $words) use ($test) {
        return function ($event) use ($test, $verdict, $words) {
            State::note($test($event), ['verdict' => $verdict, 'message' => Line::text($words === 'message' ? $event->message() : $event->throwable()->message())]);
        };
    };
    $end = function () { State::end(); };
    \PHPUnit\Event\Facade::instance()->registerSubscribers(
        new class(function ($event) use ($test) { State::begin($test($event)); }) extends Heard implements \PHPUnit\Event\Test\PreparationStartedSubscriber {
            public function notify(\PHPUnit\Event\Test\PreparationStarted $event): void { ($this->act)($event); }
        },
        new class($failed) extends Heard implements \PHPUnit\Event\Test\FailedSubscriber {
            public function notify(\PHPUnit\Event\Test\Failed $event): void { ($this->act)($event); }
        },
        new class($failed) extends Heard implements \PHPUnit\Event\Test\ErroredSubscriber {
            public function notify(\PHPUnit\Event\Test\Errored $event): void { ($this->act)($event); }
        },
        new class($told('skip', 'message')) extends Heard implements \PHPUnit\Event\Test\SkippedSubscriber {
            public function notify(\PHPUnit\Event\Test\Skipped $event): void { ($this->act)($event); }
        },
        new class($told('todo', 'throwable')) extends Heard implements \PHPUnit\Event\Test\MarkedIncompleteSubscriber {
            public function notify(\PHPUnit\Event\Test\MarkedIncomplete $event): void { ($this->act)($event); }
        },
        new class($end) extends Heard implements \PHPUnit\Event\Test\FinishedSubscriber {
            public function notify(\PHPUnit\Event\Test\Finished $event): void { ($this->act)($event); }
        },
        new class($end) extends Heard implements \PHPUnit\Event\TestSuite\FinishedSubscriber {
            public function notify(\PHPUnit\Event\TestSuite\Finished $event): void { ($this->act)($event); }
        }
    );
}

abstract class Heard
{
    protected $act;

    public function __construct(callable $act)
    {
        $this->act = $act;
    }
}

/** Waits for PHPUnit's entry class. */
function wait(string $path)
{
    \spl_autoload_register(function ($class) use ($path) {
        if ($class !== 'PHPUnit\TextUI\Command' && $class !== 'PHPUnit\TextUI\Application') {
            return;
        }
        static $seen = false;
        if ($seen || \getenv('FLAKEHUNT_PHPUNIT')) {
            return; // a PHPUnit that a test starts is not the suite
        }
        $seen = true;
        \putenv('FLAKEHUNT_PHPUNIT=' . \getmypid());
        Line::open($path, \class_exists('PHPUnit\Runner\Version') ? \PHPUnit\Runner\Version::id() : '');
        if ($class === 'PHPUnit\TextUI\Application') {
            subscribe();
            arguments([]);
        } else {
            \class_alias(\get_class(hooks()), 'FlakehuntExtension');
            arguments(['--extensions', 'FlakehuntExtension']);
        }
    }, true, true);
}

if (\PHP_SAPI === 'cli' && \getenv('FLAKEHUNT_MARKS')) {
    wait(\getenv('FLAKEHUNT_MARKS'));
}
