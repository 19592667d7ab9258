package sim

// StartWith has the executor's workers be another program, whose main begins
// with Main.
func (e *Executor) StartWith(program string) { e.program = program }
