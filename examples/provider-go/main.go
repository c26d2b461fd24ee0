// The component: the bindings call the package beside them that begins with `export_`.
package main

import _ "example-pay/exports/wit_exports"

// Nothing calls it; a program has one.
func main() {}
