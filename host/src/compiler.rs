//! Compiling in a process of its own, which is stopped when it takes too much memory or time.
//!
//! What a component costs to compile cannot be known from its file, and code that runs out of memory takes
//! its process with it. So the program is started once more, as a compiler: it bounds itself, reads the
//! component, and hands back the compiled form through a pipe. Nothing else is given to it, neither the
//! environment nor open files.

use crate::engines;
use crate::error::CompileError;
use crate::lane::lower_priority;
use crate::limits::{ALLOCATOR_RESERVE, COMPILER_THREADS, Limits, MAX_COMPILER_STDERR};
use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// The first argument of a process that is started to compile; memory in bytes, computing in seconds, and whether others
/// go first (1 or 0) follow.
const TASK: &str = "provider-host:compile";
/// What the compiled form is preceded by, so that a program that does something else is not believed.
const HEADER: &[u8] = b"provider-host: compiled component\n";
/// How a process ends whose component is not valid; the reason is on its error stream.
const INVALID: i32 = 3;
/// What the loader may need to start the program at all; the rest of the environment can hold secrets.
const ENVIRONMENT: [&str; 2] = ["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"];

/// The program that compiles components for a [`Host`](crate::Host), in a process for each.
///
/// ```no_run
/// use provider_host::{Compiler, Host};
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     // First of all: in a process that was started to compile this does not return.
///     let compiler = Compiler::run_if_child();
///     let host = Host::builder().compile_in(compiler).build()?;
/// #   drop(host);
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Compiler {
    program: PathBuf,
}

impl Compiler {
    /// This program as a compiler. To be called first in `main`, before threads and arguments: in a process
    /// that was started to compile it does so and ends the process, in any other it returns at once.
    pub fn run_if_child() -> Self {
        let mut arguments = std::env::args_os().skip(1);
        if arguments.next().is_some_and(|task| task == TASK) {
            std::process::exit(run_child(arguments));
        }
        Self { program: this_program() }
    }

    /// Another program as a compiler: one whose `main` calls [`Compiler::run_if_child`] and is built with the
    /// same version of this library, such as `provider-host-compiler`. Only a trusted user may be able
    /// to write it, for what it outputs is run.
    pub fn program(path: impl Into<PathBuf>) -> Self {
        Self { program: path.into() }
    }

    /// The compiled form of `component`. Blocks until the process has ended, [`Limits::compile_time`] at most. `aside`
    /// lets everything else on the machine go first.
    pub(crate) fn compile(&self, component: &[u8], limits: &Limits, aside: bool) -> Result<Vec<u8>, CompileError> {
        let mut child =
            self.start(limits, aside).map_err(|error| failed(&format!("{}: {error}", self.program.display())))?;
        let Output { stdout, stderr, in_time } = communicate(&mut child, component, limits);
        let status = child.wait().map_err(|error| failed(&error))?;
        if !in_time {
            return Err(CompileError::Time(limits.compile_time));
        }
        match stdout.strip_prefix(HEADER) {
            Some(compiled) if status.success() => Ok(compiled.to_vec()),
            None if status.success() => Err(failed(&format!(
                "{} does not compile; it has to call Compiler::run_if_child first in its main",
                self.program.display()
            ))),
            _ => Err(compile_error(status, &stderr, limits)),
        }
    }

    fn start(&self, limits: &Limits, aside: bool) -> std::io::Result<Child> {
        let numbers =
            [limits.compile_memory, seconds(limits.compile_cpu), aside.into()].map(|number| number.to_string());
        let mut command = Command::new(&self.program);
        command
            .arg(TASK)
            .args(numbers)
            .env_clear()
            .envs(ENVIRONMENT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            .env("RAYON_NUM_THREADS", COMPILER_THREADS.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // Ctrl-C in a terminal is for this program, which lets what has begun come to its end.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.spawn()
    }
}

/// The output of a compiling process.
struct Output {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    in_time: bool,
}

/// Writes the component to the process and reads its output until the end of its stdout, or until its time
/// is up; then it is killed.
fn communicate(child: &mut Child, component: &[u8], limits: &Limits) -> Output {
    let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (open, closed) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // A process that ended early does not read to the end; why it ended is told by its status.
            input.map(|mut input| input.write_all(component))
        });
        let stdout = scope.spawn(move || {
            let stdout = read(output, HEADER.len() as u64 + limits.compile_memory);
            drop(open);
            stdout
        });
        let stderr = scope.spawn(move || read(errors, MAX_COMPILER_STDERR));
        let in_time = !matches!(closed.recv_timeout(limits.compile_time), Err(mpsc::RecvTimeoutError::Timeout));
        if !in_time {
            let _ = child.kill();
        }
        Output { stdout: stdout.join().unwrap_or_default(), stderr: stderr.join().unwrap_or_default(), in_time }
    })
}

fn read(stream: Option<impl Read>, limit: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What was read until an error is judged by the process's status.
    let _ = stream.map(|stream| stream.take(limit).read_to_end(&mut bytes));
    bytes
}

fn compile_error(status: ExitStatus, stderr: &[u8], limits: &Limits) -> CompileError {
    let stderr = String::from_utf8_lossy(stderr);
    let stderr = stderr.trim();
    if status.code() == Some(INVALID) {
        return CompileError::Invalid(stderr.to_owned());
    }
    #[cfg(unix)]
    if std::os::unix::process::ExitStatusExt::signal(&status) == Some(rustix::process::Signal::XCPU.as_raw()) {
        return CompileError::Cpu(limits.compile_cpu);
    }
    // How Rust and the system report that there is no memory left.
    if ["memory allocation of", "Cannot allocate memory", "out of memory", "Resource temporarily unavailable"]
        .iter()
        .any(|sign| stderr.contains(sign))
    {
        return CompileError::Memory(limits.compile_memory);
    }
    failed(&format!("{status}: {stderr}"))
}

fn failed(why: &impl ToString) -> CompileError {
    CompileError::Process(why.to_string())
}

/// Whole seconds, as the system counts them; at least one.
fn seconds(time: Duration) -> u64 {
    time.as_secs_f64().ceil().max(1.0) as u64
}

/// The program of this process, also if its file was replaced since.
fn this_program() -> PathBuf {
    match cfg!(target_os = "linux") {
        true => "/proc/self/exe".into(),
        false => std::env::current_exe().unwrap_or_default(),
    }
}

/// A compiling process, from its start to its exit code.
fn run_child(arguments: impl Iterator<Item = OsString>) -> i32 {
    match compile_stdin(arguments) {
        Ok(()) => 0,
        Err((code, message)) => {
            let _ = write!(std::io::stderr(), "{message}");
            code
        }
    }
}

fn compile_stdin(arguments: impl Iterator<Item = OsString>) -> Result<(), (i32, String)> {
    let broken = |error: &dyn std::fmt::Display| (1, error.to_string());
    let numbers: Vec<u64> = arguments.filter_map(|argument| argument.to_str()?.parse().ok()).collect();
    let [memory, seconds, aside] = numbers[..] else {
        return Err((1, "memory, seconds and 1 or 0 are to be given".to_owned()));
    };
    if aside == 1 {
        // Of this thread, and of those that it starts.
        lower_priority();
    }
    bound(memory, seconds).map_err(|error| broken(&error))?;
    let mut component = Vec::new();
    std::io::stdin().read_to_end(&mut component).map_err(|error| broken(&error))?;
    let engine = engines::on_demand().map_err(|error| broken(&error))?;
    let compiled =
        engine.precompile_component(&component).map_err(|error| (INVALID, error.root_cause().to_string()))?;
    let mut output = std::io::stdout().lock();
    output.write_all(HEADER).and_then(|()| output.write_all(&compiled)).map_err(|error| broken(&error))?;
    output.flush().map_err(|error| broken(&error))
}

/// Has the system stop this process when it takes more.
#[cfg(unix)]
fn bound(memory: u64, seconds: u64) -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limits = [
        // What can be written; on Linux also what is mapped for it.
        (Resource::Data, memory),
        // Other systems count nothing else. Threads reserve address space that they never use.
        (Resource::As, memory.saturating_add(ALLOCATOR_RESERVE)),
        (Resource::Cpu, seconds),
        // A process that is stopped leaves no picture of its memory behind.
        (Resource::Core, 0),
    ];
    for (resource, most) in limits {
        // A lower limit that is set already stays. The signal that tells of computing comes at the lower of
        // the two, and is not sent where they are the same.
        let there = getrlimit(resource).maximum.unwrap_or(u64::MAX);
        let bounds = Rlimit { current: Some(most.min(there)), maximum: Some(most.saturating_add(1).min(there)) };
        setrlimit(resource, bounds)?;
    }
    Ok(())
}

/// There are no such limits; the parsed ones and the clock of the parent hold.
#[cfg(not(unix))]
fn bound(_memory: u64, _seconds: u64) -> std::io::Result<()> {
    Ok(())
}
