package sandbox

import "strconv"

// defaultNumbers is how many instances Sandbox_Number has where a query sets no bound.
const defaultNumbers = 1_000_000

// numberClass has as many instances as are asked for: Number counts from 1. WHERE Number <= N gives N of them; they are
// computed on the way, so that neither takes memory.
func numberClass() *cimClass {
	c := declare("Sandbox_Number", `boolean Even
		string Name
		uint64 Number* Square`)
	// Number stands first: that is the property whose bound a query tells.
	number := c.index("Number")
	c.Properties[0], c.Properties[number] = c.Properties[number], c.Properties[0]
	c.open = func(bound uint64) cursor {
		if bound == 0 {
			bound = defaultNumbers
		}
		return &numbers{last: bound}
	}
	return c
}

type numbers struct{ n, last uint64 }

// next fills in Number, Name, Even and Square.
func (c *numbers) next(values []cimValue) bool {
	if c.n == c.last {
		return false
	}
	c.n++
	values[0] = unsigned(c.n)
	values[1] = textValue("number " + strconv.FormatUint(c.n, 10))
	values[2] = booleanValue(c.n%2 == 0)
	values[3] = unsigned(c.n * c.n)
	return true
}
