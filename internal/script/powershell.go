package script

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf16"
)

// docs/powershell.md goes through every line of PowerShell here, with what Windows PowerShell 5.1 and PowerShell 7 say of it.

// inline runs text that stands in it as a single-quoted string: a script block, unlike text put behind the assignment, may
// begin with param, using or #requires. Text that does not parse has to end with 1, which a method's exception alone would
// not do. Whether the text's last command failed is known at its end only, and noted there. exit carries the exit code of
// the last native program, which -EncodedCommand alone turns into 0 or 1.
const inline = `$ProgressPreference = 'SilentlyContinue'
try { $winrmctl = [ScriptBlock]::Create('%s') } catch { throw }
if ($winrmctl.Ast.EndBlock.Unnamed) { $winrmctl = [ScriptBlock]::Create("$winrmctl` + "`n`n`" + `$global:winrmctl = ` + "`" + `$?") }
%s& $winrmctl
if (!($? -and $winrmctl) -and !$LASTEXITCODE) { exit 1 }
exit $LASTEXITCODE`

// ending is what follows the call of a script, in the scope of that call. $? is false where the script could not be called:
// what fails within it does not show there, as with -File.
const ending = `if (!$? -and !$LASTEXITCODE) { exit 1 }
exit $LASTEXITCODE`

// bootstrap runs a script that it reads from stdin: two texts, first the script's arguments as PowerShell source, then the
// script. Each comes in pieces, a decimal length and a line feed before each, a length of 0 at the end. It reads not a byte
// more, so that what follows is the script's own stdin. It does so in a scope of its own, so that the script finds none of
// its variables. $input must not occur in it: PowerShell then reads all of stdin before it begins.
const bootstrap = `$ProgressPreference = 'SilentlyContinue'
$winrmctl = & {
$s = [Console]::OpenStandardInput()
1, 2 | ForEach-Object {
$m = New-Object IO.MemoryStream
for (;;) {
$n = 0
while (($c = $s.ReadByte()) -gt 47) { $n = $n * 10 + $c - 48 }
if ($c -lt 0) { throw 'winrmctl: the script did not arrive whole' }
if ($n -eq 0) { break }
$b = New-Object byte[] $n
for ($o = 0; $o -lt $n; $o += $r) {
$r = $s.Read($b, $o, $n - $o)
if ($r -lt 1) { throw 'winrmctl: the script did not arrive whole' }
}
$m.Write($b, 0, $n)
}
[Text.Encoding]::UTF8.GetString($m.ToArray())
}
}
try { $winrmctl = [ScriptBlock]::Create('& $args[0] ' + $winrmctl[0] + '
` + ending + `'), [ScriptBlock]::Create($winrmctl[1]) } catch { throw }
& $winrmctl[0] $winrmctl[1]`

// PowerShell makes a command line of PowerShell text. With stdin, text that names $input finds the lines of stdin there, as
// it would if it were PowerShell's whole command.
func PowerShell(text string, seven, stdin bool) string {
	from := ""
	if stdin && regexp.MustCompile(`(?i)\$(input\b|\{input\})`).MatchString(text) {
		from = "$input | "
	}
	return commandLine(fmt.Sprintf(inline, singleQuoted(text), from), seven)
}

func commandLine(text string, seven bool) string {
	program := "powershell.exe"
	if seven {
		program = "pwsh.exe"
	}
	return program + " -NoProfile -NonInteractive -EncodedCommand " + encode(text)
}

// encode writes text as -EncodedCommand takes it: base64 of UTF-16LE (about_PowerShell_exe).
func encode(text string) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return base64.StdEncoding.EncodeToString(b)
}

// singleQuoted doubles what ends a single-quoted string: the apostrophe, and the typographic quotes that PowerShell takes
// for one (about_Quoting_Rules).
func singleQuoted(text string) string {
	return strings.NewReplacer("'", "''", "‘", "‘‘", "’", "’’", "‚", "‚‚", "‛", "‛‛").Replace(text)
}

// powerShellScript sends the script behind the bootstrap.
func powerShellScript(text io.Reader, o Options) (*Plan, error) {
	p := &Plan{Line: commandLine(bootstrap, o.PowerShell7), OwnsStdin: o.Name != "-", WhyNot: "the script itself comes from the local stdin"}
	p.Input = io.MultiReader(frame(strings.NewReader(powerShellArgs(o.Args))), frame(unmarked(text)))
	return p, nil
}

// powerShellArgs writes arguments as PowerShell source: what looks like a parameter's name stays one, everything else is a
// string, whatever is in it.
func powerShellArgs(args []string) string {
	parameter := regexp.MustCompile(`^-[\pL_][\pL\pN_-]*:?$`)
	withValue := regexp.MustCompile(`(?s)^(-[\pL_][\pL\pN_-]*:)(.+)$`)
	var out []string
	for _, a := range args {
		switch m := withValue.FindStringSubmatch(a); {
		case parameter.MatchString(a):
			out = append(out, a)
		case m != nil && isConstant(m[2]):
			out = append(out, m[1]+m[2])
		case m != nil:
			out = append(out, m[1]+"'"+singleQuoted(m[2])+"'")
		default:
			out = append(out, "'"+singleQuoted(a)+"'")
		}
	}
	return strings.Join(out, " ")
}

// isConstant are the values that a switch or a null can be given as, with -Name:$false.
func isConstant(s string) bool {
	return strings.EqualFold(s, "$true") || strings.EqualFold(s, "$false") || strings.EqualFold(s, "$null")
}

// frame writes a text in pieces with their lengths, as the bootstrap reads it.
func frame(r io.Reader) io.Reader { return &framer{r: r} }

type framer struct {
	r    io.Reader
	out  bytes.Buffer
	done bool
	err  error
}

// pieceSize is the most that one piece has, in bytes.
const pieceSize = 32 << 10

func (f *framer) Read(b []byte) (int, error) {
	for f.out.Len() == 0 {
		if f.err != nil {
			return 0, f.err
		}
		if f.done {
			return 0, io.EOF
		}
		piece := make([]byte, pieceSize)
		n, err := f.r.Read(piece)
		if n > 0 {
			fmt.Fprintf(&f.out, "%d\n", n)
			f.out.Write(piece[:n])
		}
		switch {
		case err == io.EOF:
			f.out.WriteString("0\n")
			f.done = true
		case err != nil:
			f.err = err
		}
	}
	return f.out.Read(b)
}
