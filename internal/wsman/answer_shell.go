package wsman

import "strings"

// ParseCreated reads the answer to a Create. The shell's id stands in a selector of x:ResourceCreated, in rsp:Shell, or
// in both, and may have a "uuid:" before it (WinRM 1.x), which is part of it.
func ParseCreated(answer []byte, messageID string) (*Shell, error) {
	r, more, err := openAnswer(answer, messageID)
	if err != nil {
		return nil, err
	}
	shell := &Shell{}
	if more {
		reference := ""
		for t := Start; t != EOF; t = r.Next() {
			switch {
			case t != Start:
			case r.Is(NSManagement, "Selector") && strings.EqualFold(attr0(r, "Name"), "ShellId"):
				reference = text(r.Content())
			case r.Is(NSShell, "Shell"):
				shell.read(r)
			}
		}
		if reference != "" {
			shell.ID = reference
		}
	}
	if r.Err() != nil {
		return nil, r.Err()
	}
	if shell.ID == "" {
		return nil, &AnswerError{"no ShellId in the answer to Create"}
	}
	return shell, nil
}

// ReadShell reads an item of an enumeration of [ResourceShells], from the start tag of rsp:Shell to its end.
func ReadShell(r *Reader) Shell {
	s := Shell{}
	s.read(r)
	return s
}

// CommandItem is an item of an enumeration of [ResourceCommands], in the form that Windows gives to PowerShell (recorded by
// pypsrp).
type CommandItem struct {
	ID    string
	Line  string // as far as the server tells
	State string // Running, or Done
}

// ReadCommand reads an item from the start tag of rsp:Command to its end. The line may be text, or an rsp:CommandLine as in
// 2.2.4.7.
func ReadCommand(r *Reader) CommandItem {
	c := CommandItem{}
	var line []string
	for depth := r.Depth(); r.Depth() >= depth; {
		switch t := r.Next(); {
		case t == EOF:
			return c
		case t == Text:
			if s := text(r.Text()); s != "" {
				line = append(line, s) // others were read as content
			}
		case t != Start || r.Is(NSShell, "CommandLine"):
		case r.Is(NSShell, "CommandId"):
			c.ID = text(r.Content())
		case r.Is(NSShell, "CommandState"):
			c.State = text(r.Content())
			c.State = c.State[strings.LastIndexByte(c.State, '/')+1:] // one word, or the URI of 2.2.4.9
		case r.Is(NSShell, "Command"), r.Is(NSShell, "Arguments"):
			line = append(line, string(r.Content()))
		default:
			r.Skip()
		}
	}
	c.Line = strings.Join(line, " ")
	return c
}

// read fills in a shell from the start tag of rsp:Shell to its end. Durations that make no sense are left out: they are
// for display.
func (s *Shell) read(r *Reader) {
	s.ID = attr0(r, "ShellId")
	depth := r.Depth()
	for {
		switch r.Next() {
		case EOF:
			return
		case End:
			if r.Depth() < depth {
				return
			}
		case Start:
			if r.Name().Space != NSShell {
				r.Skip()
				continue
			}
			switch r.Name().Local {
			case "Environment":
			case "Variable":
				name := attr0(r, "Name")
				s.Environment = append(s.Environment, EnvVar{name, string(r.Content())})
			case "WorkingDirectory":
				s.WorkingDirectory = string(r.Content())
			case "Lifetime":
				s.Lifetime, _ = parseDuration(string(r.Content()))
			case "IdleTimeOut":
				s.IdleTimeOut, _ = parseDuration(string(r.Content()))
			case "ShellRunTime":
				s.ShellRunTime, _ = parseDuration(string(r.Content()))
			case "BufferMode":
				s.BufferMode = BufferMode(text(r.Content()))
			case "ShellInactivity":
				s.ShellInactivity, _ = parseDuration(string(r.Content()))
			default:
				field := map[string]*string{
					"ShellId": &s.ID, "Name": &s.Name, "InputStreams": &s.InputStreams, "OutputStreams": &s.OutputStreams,
					"ResourceUri": &s.ResourceURI, "Owner": &s.Owner, "ClientIP": &s.ClientIP, "State": &s.State,
				}[r.Name().Local]
				if field == nil {
					r.Skip()
					continue
				}
				*field = text(r.Content())
			}
		}
	}
}
