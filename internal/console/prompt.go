package console

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// prompt is what the program has written behind the last line end.
type prompt struct {
	text string // as a person sees it, without colours
	show string // with them
}

// Prompts for commands. Those of cmd.exe ($P$G) and PowerShell tell the directory, as that of the sandbox's sh does.
var (
	promptCmd        = regexp.MustCompile(`^(?:\([^()]*\) )?([A-Za-z]:\\[^<>|"?*]*|\\\\[^<>|"?*]+)>$`)
	promptPowerShell = regexp.MustCompile(`^(?:\[[^\]]*\]: )?PS ([^<>|"?*]*)>+ ?$`)
	promptSh         = regexp.MustCompile(`^sandbox:(/.*)\$ $`)
	promptMore       = regexp.MustCompile(`^(?:More\? |>> ?)$`)
)

// Shell is what reads commands.
type Shell int

// The shells that are told by their prompt.
const (
	Unknown Shell = iota
	Cmd
	PowerShell
	Sh

	shells // how many they are
)

// shell tells who waits for a command, and in which directory, if anybody does.
func (p prompt) shell() (Shell, string) {
	if m := promptCmd.FindStringSubmatch(p.text); m != nil {
		return Cmd, m[1]
	}
	if m := promptPowerShell.FindStringSubmatch(p.text); m != nil {
		return PowerShell, strings.TrimPrefix(m[1], "Microsoft.PowerShell.Core\\FileSystem::")
	}
	if m := promptSh.FindStringSubmatch(p.text); m != nil {
		return Sh, m[1]
	}
	return Unknown, ""
}

// command reports that a command is waited for.
func (p prompt) command() bool {
	shell, _ := p.shell()
	return shell != Unknown || promptMore.MatchString(p.text)
}

// echoes reports that who waits writes what it reads: cmd.exe and PowerShell do where stdin is no console, and only at their
// prompts.
func (p prompt) echoes() bool {
	shell, _ := p.shell()
	return shell == Cmd || shell == PowerShell || promptMore.MatchString(p.text)
}

var promptSecret = regexp.MustCompile(`(?i)(pass(word|phrase|code|wort)|kennwort|mot de passe|contrase|senha|wachtwoord|secret|\bpin\b|\bcredential|пароль|密码|パスワード)(?:[^>.]|\.\S)*[:?>] ?$`)

// secret reports that a password seems to be asked for.
func (p prompt) secret() bool {
	shell, _ := p.shell()
	return shell == Unknown && promptSecret.MatchString(p.text)
}

var promptAnyKey = regexp.MustCompile(`(?i)(\bkey\b|taste|touche|tecla|tasto).*(?:\. ?){3}$`)

// anyKey reports that a single key is waited for, as pause of cmd.exe does.
func (p prompt) anyKey() bool { return promptAnyKey.MatchString(p.text) }

// A cell is what stands in one place of a line.
type cell struct {
	colour string // escape sequences before it
	r      rune
}

var colour = regexp.MustCompile(`^\x1b\[[0-9;:]*m`)

// sequence is an escape sequence that is no colour, whole or cut off at the end.
var sequence = regexp.MustCompile(`^\x1b(?:\[[0-?]*[ -/]*(?:[@-~]|$)|\][^\x07\x1b]*(?:\x07|\x1b\\|\x1b?$)|[ -/]*(?:[0-Z\\^-~]|$))`)

const tabWidth = 8

// promptOf makes a prompt of an unfinished line: what a terminal shows of it, but for what moves the cursor to other lines.
func promptOf(line []byte) prompt {
	var cells []cell
	pending, at := "", 0
	put := func(r rune) {
		if at < len(cells) {
			cells[at] = cell{pending, r}
		} else {
			cells = append(cells, cell{pending, r})
		}
		pending = ""
		at++
	}
	for len(line) > 0 {
		switch c := line[0]; {
		case c == 0x1b:
			if m := colour.Find(line); m != nil {
				pending += string(m)
				line = line[len(m):]
				continue
			}
			line = line[max(len(sequence.Find(line)), 1):]
			continue
		case c == '\r':
			at = 0
		case c == '\b':
			at = max(at-1, 0)
		case c == '\t':
			for next := (at/tabWidth + 1) * tabWidth; at < next; {
				put(' ')
			}
		case c < 0x20 || c == 0x7f:
		default:
			if !utf8.FullRune(line) {
				line = nil // the rest of the character is on its way
				continue
			}
			r, n := utf8.DecodeRune(line)
			if unicode.IsPrint(r) || unicode.Is(unicode.M, r) || unicode.Is(unicode.Co, r) {
				put(r)
			} else {
				put(utf8.RuneError)
			}
			line = line[n:]
			continue
		}
		line = line[1:]
	}
	var text, show strings.Builder
	coloured := pending != ""
	for _, c := range cells {
		coloured = coloured || c.colour != ""
		show.WriteString(c.colour)
		show.WriteRune(c.r)
		text.WriteRune(c.r)
	}
	if coloured {
		show.WriteString(pending + "\x1b[0m") // what is typed has no colour
	}
	return prompt{text.String(), show.String()}
}
