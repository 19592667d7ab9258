package suite

import "io/fs"

// Adapter hands a plugin to one test runner.
type Adapter interface {
	// Name is the runner's: "vitest".
	Name() string
	// Recognise reports whether the command runs this runner. The error refuses
	// a command that cannot be hunted, with a hint (watch mode).
	Recognise(c Command) (bool, error)
	// Files are written to the directory of Job.Plugin before anything runs.
	Files() fs.FS
	// Warm reports whether the plugin can run the one test of Job.Only again and
	// again, each time as in a new process, when FLAKEHUNT_WARM is set.
	Warm() bool
	// Invoke says what to run so that the plugin is in it.
	Invoke(j Job) Invocation
}

// Job is one execution of the command.
type Job struct {
	Argv   []string                 // as the user wrote it
	Dir    string                   // where it runs, absolute
	Plugin string                   // directory of the adapter's files
	Only   []string                 // names of the tests asked for; none: all. The plugin has them in FLAKEHUNT_ONLY
	Env    func(name string) string // of the environment that the command gets
}

// Invocation is what runs.
type Invocation struct {
	Argv []string
	Env  []string // NAME=VALUE, in place of what was there
}

// Choose finds the adapter of a command; nil if none knows it.
func Choose(adapters []Adapter, argv []string, dir string) (Adapter, error) {
	c := ParseCommand(argv, dir)
	for _, a := range adapters {
		ok, err := a.Recognise(c)
		if err != nil {
			return nil, err
		}
		if ok {
			return a, nil
		}
	}
	return nil, nil
}
