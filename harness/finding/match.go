package finding

// FailureKey is how one test failed: its name, and the fingerprint of what it said.
type FailureKey struct{ Test, Failure string }
