# Tells flakehunt where each example begins and ends, and what came of it.
#
# One line of JSON an event goes to the Unix socket in FLAKEHUNT_MARKS, and the
# example waits for the answer. Without the socket this file does nothing.
# FLAKEHUNT_ONLY names a file with a JSON list of the examples to run.
#
# An example is named by its full description. Where several have the same, or
# none, its id follows: "Thing works (./spec/thing_spec.rb[1:2])".
require "json"
require "socket"

module FlakehuntRSpec
  LONGEST = 16 * 1024 # bytes of a message or a stack
  CLOCK = Process.method(:clock_gettime) # libraries that stop the clock may replace Time's

  # Line is the connection of one process: a forked child makes its own.
  class Line
    def initialize(path)
      @path = path
      @lock = Mutex.new
    end

    # send_event resolves with the answer, nil without one.
    def send_event(event)
      text = JSON.generate(event.merge(at: CLOCK.call(Process::CLOCK_REALTIME, :nanosecond), worker: Process.pid))
      @lock.synchronize do
        connect if @pid != Process.pid
        next unless @socket
        @socket.write(text << "\n")
        answer = @socket.gets
        @socket = nil unless answer
        answer
      end
    rescue SystemCallError, IOError
      @socket = nil
    end

    # open tells the connection from those of the suite.
    def socket?(socket) = @socket.equal?(socket)

    private

    def connect
      @pid = Process.pid
      @socket = UNIXSocket.new(@path)
    end
  end

  # Attempts sees rspec-retry forget an example's failure before it tries again.
  module Attempts
    def clear_exception
      FlakehuntRSpec.again(self)
      super
    end
  end

  # Turns has the examples that were loaded run again and again, each time in a fork
  # of the process that loaded them, which itself runs none.
  module Turns
    def run_specs(example_groups)
      FlakehuntRSpec.turns
      super
    end
  end

  class << self
    # turns comes back in each process that is to run the examples.
    def turns
      return if !Process.respond_to?(:fork) || Thread.list.size > 1 || connected?
      loop do
        $stdout.flush
        $stderr.flush
        child = fork
        if child.nil?
          srand
          return
        end
        status = Process.wait2(child).last
        unless status.exited? # the example took its process along
          trap(status.termsig, "DEFAULT") unless status.termsig == 9
          Process.kill(status.termsig, Process.pid)
          exit!(1)
        end
        answer = (@line.send_event(event: "again") || "").split
        exit!(status.exitstatus) unless answer.first == "ok"
        answer.drop(1).each do |setting|
          name, value = setting.split("=", 2)
          ENV[name] = value
        end
      end
    end

    # connected? reports whether a connection was opened as the suite was loaded: it
    # would be that of all forks.
    def connected?
      ObjectSpace.each_object(BasicSocket).any? { |s| !s.closed? && !@line.socket?(s) }
    end

    def start(path, only)
      @line = Line.new(path)
      @attempts = Hash.new(1)
      @only = JSON.parse(File.read(only, encoding: "UTF-8")) if only
      @line.send_event(event: "hello", runner: "rspec", version: RSpec::Core::Version::STRING)
      listener = self
      RSpec.configure do |c|
        c.before(:suite) { listener.listen(c) }
        select(c) if @only
      end
      RSpec::Core::Runner.prepend(Turns) if @only && ENV["FLAKEHUNT_WARM"].to_s != ""
    end

    def listen(config)
      unless @only
        names = RSpec.world.all_examples.map { |e| described(e) }.tally
        @same = names.select { |_, n| n > 1 }
        note_files(RSpec.world.all_examples)
      end
      config.reporter.register_listener(self, :example_started, :example_passed, :example_failed, :example_pending)
      RSpec::Core::Example.prepend(Attempts) if RSpec::Core::Example.method_defined?(:clear_exception)
    end

    def example_started(note)
      @line.send_event(identity(note.example).merge(event: "begin"))
    end

    def example_passed(note)
      finish(note.example, "pass", nil)
    end

    def example_failed(note)
      finish(note.example, "fail", note.example.exception)
    end

    def example_pending(note)
      result = note.example.execution_result
      finish(note.example, note.example.skipped? ? "skip" : "todo", nil, message: text(result.pending_message))
    end

    def again(example)
      failed = example.exception or return
      finish(example, "fail", failed, event: "attempt")
      @attempts[example.id] += 1
      @line.send_event(identity(example).merge(event: "begin"))
    end

    private

    # select leaves the examples that were asked for, and loads only their files
    # where an earlier run of the whole suite has noted them.
    def select(config)
      files = noted.values_at(*@only)
      config.files_or_directories_to_run = files.uniq if files.all? { |f| f && File.file?(f) }
      plugin = self
      RSpec::Core::FilterManager.prepend(Module.new do
        define_method(:prune) { |examples| super(examples).select { |e| plugin.asked(e) } }
      end)
    end

    # note_files keeps the file of each example for the trials that run one.
    def note_files(examples)
      return unless ENV["FLAKEHUNT_PLUGIN"]
      files = examples.to_h { |e| [name(e), e.id[/\A(.*)\[[\d:]+\]\z/m, 1]] }
      path = File.join(ENV["FLAKEHUNT_PLUGIN"], "files.json")
      File.write("#{path}.#{Process.pid}", JSON.generate(files))
      File.rename("#{path}.#{Process.pid}", path)
    rescue SystemCallError, EncodingError
      nil # single examples then take the whole suite to load
    end

    def noted
      JSON.parse(File.read(File.join(ENV["FLAKEHUNT_PLUGIN"].to_s, "files.json"), encoding: "UTF-8"))
    rescue SystemCallError, JSON::ParserError
      {}
    end

    # name is the same in each run. Of the tests asked for it is the one that was.
    def name(example)
      return asked(example) || described(example) if @only
      full = described(example)
      @same.key?(full) ? with_id(full, example) : full
    end

    # described is the description before the example runs: one without a text
    # gets one from its matcher as it runs.
    def described(example)
      own = example.metadata[:description_args].to_a.join(" ")
      return with_id(text(example.example_group.metadata[:full_description]), example) if own.empty?
      text(example.metadata[:full_description])
    end

    def with_id(full, example)
      "#{full} (#{example.id})"
    end

    public def asked(example)
      full = described(example)
      [full, with_id(full, example)].find { |n| @only.include?(n) }
    end

    def finish(example, verdict, exception, event: "end", **more)
      more = failure(exception) if exception
      @line.send_event(identity(example).merge(event: event, verdict: verdict).merge(more))
    end

    def identity(example)
      groups = example.example_group.parent_groups.reverse
      file = example.metadata[:example_group][:file_path]
      {
        id: name(example), titles: groups.map { |g| text(g.description) } << text(example.description),
        # As the usual JUnit formatter names it.
        classname: text(file.sub(%r{\.[^/]*\Z}, "").gsub("/", ".").gsub(/\A\.+|\.+\Z/, "")),
        name: text(example.full_description),
        file: File.expand_path(example.metadata[:file_path]), line: example.metadata[:line_number],
        attempt: @attempts[example.id],
      }
    end

    def failure(exception)
      kind = kind(exception)
      message = text(exception.message)
      message = "#{exception.class}: #{message}" unless kind == "assertion"
      { kind: kind, message: message, stack: text(Array(exception.backtrace).join("\n")) }
    end

    def kind(exception)
      names = exception.class.ancestors.map(&:to_s)
      return "assertion" if names.any? { |n| n.start_with?("RSpec::Expectations::", "RSpec::Mocks::", "Minitest::Assertion") }
      return "assertion" if names.include?("RSpec::Core::Pending::PendingExampleFixedError")
      return "timeout" if names.any? { |n| n =~ /Timeout(Error)?\z|\ATimeout::/ }
      "error"
    end

    def text(value)
      s = value.to_s.dup
      s = s.encode("UTF-8", invalid: :replace, undef: :replace) unless s.encoding == Encoding::UTF_8
      s = s.scrub("\uFFFD").gsub(/\e\[[\d;]*m/, "").strip
      s.bytesize > LONGEST ? s.byteslice(0, LONGEST).scrub("") + "…" : s
    end
  end
end

# A second rspec that an example starts is not the suite.
if ENV["FLAKEHUNT_MARKS"].to_s != "" && [nil, Process.pid.to_s].include?(ENV["FLAKEHUNT_RSPEC"])
  ENV["FLAKEHUNT_RSPEC"] = Process.pid.to_s
  FlakehuntRSpec.start(ENV["FLAKEHUNT_MARKS"], ENV["FLAKEHUNT_ONLY"])
end
