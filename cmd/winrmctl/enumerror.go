package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/winrmctl/winrmctl/internal/enum"
	"github.com/winrmctl/winrmctl/internal/wsman"
)

// lookAround is how long listing classes for a hint may take.
const lookAround = 5 * time.Second

// explainSchema says why a server may have no declarations.
func explainSchema(err error) error {
	_, hinted := errors.AsType[*hintedError](err)
	if f, ok := errors.AsType[*wsman.Fault](err); ok && !hinted && !f.Code.IsAccessDenied() {
		return &hintedError{err, "Windows has declarations of classes from Windows 8 and Server 2012 on: without --schema types are told by their form"}
	}
	return err
}

// explainClass adds to a fault the classes that may have been meant, where the one that was asked for is not there.
func (o *enumOptions) explainClass(ctx context.Context, c *enum.Client, j *enumJob, err error) error {
	f, ok := errors.AsType[*wsman.Fault](err)
	if !ok || j.class == "" || j.namespace == "" || ctx.Err() != nil {
		return err
	}
	switch f.Code {
	case wsman.CodeResourceNotFound, wsman.CodeWMINotFound, wsman.CodeWMIInvalidClass, wsman.CodeFilterInvalid, wsman.CodeWMIInvalidQuery:
	default:
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, lookAround)
	defer cancel()
	var names []string
	for class, failed := range c.Classes(ctx, j.namespace) {
		if failed != nil {
			return err // then the fault has to do
		}
		names = append(names, class.Name)
	}
	if slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, j.class) }) {
		return err // something else is wrong
	}
	hint := fmt.Sprintf("there is no class %s in %s: --classes lists those that are", j.class, j.namespace)
	near := enum.Nearest(j.class, names)
	if len(near) == 0 {
		near = enum.Nearest(j.class, slices.Sorted(maps.Keys(enum.ShortNames())))
	}
	if len(near) > 0 {
		hint = fmt.Sprintf("there is no class %s in %s: did you mean %s?", j.class, j.namespace, strings.Join(near, " or "))
	}
	return &hintedError{err, hint}
}
