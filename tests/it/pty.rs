//! The real program in a pseudo-terminal: it starts, listens, and leaves the terminal as it was.

use std::{
    fs,
    process::{Command, Stdio},
};

use portable_pty::CommandBuilder;

use crate::session::{COLUMNS, PROGRAM, ROWS, Session, line_discipline, pictures};

#[test]
fn it_starts_without_answers_listens_to_keys_and_leaves_the_terminal_as_it_was() {
    let folder = pictures();
    let mut session = Session::explorer(folder.path(), &[]);
    let display = session.display.clone();
    display.wait("the explorer", |screen| screen.alternate_screen() && screen.contents().contains("6 images"));
    display.wait_for("1 of 6");
    display.wait("a picture", |screen| {
        let cells = (0..ROWS).flat_map(|row| (0..COLUMNS).map(move |column| (row, column)));
        cells
            .filter_map(|(row, column)| screen.cell(row, column))
            .any(|cell| "▀▌▞▘".contains(cell.contents()) && cell.has_contents())
    });
    // Answers that come too late must not be taken for keys: `3` and `1` would change the screen.
    session.press("\x1b]11;rgb:1e1e/3333/3131\x07\x1b_Gi=31;OK\x1b\\\x1b[?62;4c\x1b[6;20;10t\x1b[0n");
    session.press("\x1b[C");
    display.wait_for("2 of 6");
    session.press("m");
    display.wait_for("euclidean");
    session.press("2");
    display.wait_for("more alike");
    session.press("?");
    display.wait_for("Esc closes");
    session.press("?");
    session.press("q");
    display.wait_restored();
    assert_eq!(session.exit_code(), 0);
    assert_eq!(line_discipline(&*session.master), session.before);
}

#[test]
fn marked_pictures_go_down_the_pipeline_while_the_screen_stays_on_the_terminal() {
    let folder = pictures();
    let out = folder.path().join("marked");
    let mut shell = CommandBuilder::new("sh");
    let program = format!("{PROGRAM} --model color-grid --no-cache --print-marked -0 \"$1\" | cat > \"$2\"");
    shell.args(["-c", &program, "sh"]);
    shell.arg(folder.path());
    shell.arg(&out);
    let mut session = Session::run(shell);
    let display = session.display.clone();
    display.wait_for("1 of 6");
    session.press(" ");
    display.wait_for("1 marked");
    session.press("q");
    display.wait_restored();
    session.exit_code();
    let expected = format!("{}\0", fs::canonicalize(folder.path().join("a.png")).unwrap().display());
    assert_eq!(fs::read_to_string(out).unwrap(), expected);
}

#[test]
fn pasted_text_is_typed_into_a_prompt_and_does_nothing_elsewhere() {
    let folder = pictures();
    let mut session = Session::explorer(folder.path(), &["--graphics", "halfblocks"]);
    let display = session.display.clone();
    display.wait("marks around pasted text", vt100::Screen::bracketed_paste);
    display.wait_for("1 of 6");
    // As keys these would mark the picture, write a file and leave.
    session.press("\x1b[200~ wq\rq\x03\x1b[201~");
    session.press("/");
    session.press("\x1b[200~b.png\r\n\x1b[201~");
    display.wait("the filter", |screen| {
        let text = screen.contents();
        text.contains("b.png") && text.contains("1 of 1") && !text.contains("marked")
    });
    session.press("\r");
    session.press("q");
    display.wait_restored();
    assert_eq!(session.exit_code(), 0);
}

#[test]
fn without_a_terminal_it_says_so_and_writes_no_escape_code() {
    let folder = pictures();
    let output = Command::new(PROGRAM).arg(folder.path()).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert_eq!((said.lines().count(), output.stdout.as_slice()), (1, b"".as_slice()), "{said}");
    assert!(said.contains("terminal") && !said.contains('\x1b'), "{said}");
}
