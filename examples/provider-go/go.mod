module example-pay

go 1.27.1

require go.bytecodealliance.org/pkg v0.4.0

// What the bindings need at run time. `provider build` writes it, so that nothing is downloaded.
replace go.bytecodealliance.org/pkg => ./runtime
