package redisenv

// Usable lends usable to the tests of this directory that stand outside of the
// package, since they use what itself uses it.
var Usable = usable
