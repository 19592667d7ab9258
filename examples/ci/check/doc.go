// Package check holds the tests of the files beside it: Kubernetes' own types
// and a schema of GitLab's keywords say whether they are well-formed. It is a
// module of its own so that flakehunt never depends on either, and it must
// never hold anything but these tests.
package check
