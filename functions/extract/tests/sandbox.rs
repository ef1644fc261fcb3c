//! What a process cannot do after [`sandbox::enter`]. Each attempt is made by a process of its own: this program, started again.

use std::{
    env, fs,
    io::{self, ErrorKind, Read, Write},
    net::{TcpStream, UdpSocket},
    os::{fd::AsFd, unix::net::UnixStream},
    process::{Command, Stdio},
    thread,
};

use extract::sandbox;
use nix::{
    libc,
    sys::{
        prctl,
        resource::{Resource, setrlimit},
        signal::{Signal, kill},
    },
    unistd::{Pid, getppid},
};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter_all_threads};

/// Names the attempt, in the process that makes it.
const ATTEMPT: &str = "SANDBOX_ATTEMPT";

/// Exit statuses.
const REFUSED: i32 = 40;
const SUCCEEDED: i32 = 41;

/// Runs this program again, for one attempt. Returns its exit status and output.
fn attempt(name: &str) -> (Option<i32>, String) {
    let mut command = Command::new(env::current_exe().expect("a path"));
    command
        .args(["attempts", "--exact", "--ignored", "--nocapture", "--test-threads", "1"])
        .env(ATTEMPT, name);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a process");
    // Most attempts end without reading it.
    _ = child.stdin.take().expect("a pipe").write_all(b"the file");
    let output = child.wait_with_output().expect("it ends");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Makes one attempt after the process has limited itself. The tests below start it.
#[test]
#[ignore = "only as a process of its own: the other tests of this file start it"]
fn attempts() {
    #[expect(
        clippy::disallowed_methods,
        reason = "not a setting: the other tests of this file say what to attempt"
    )]
    let name = env::var(ATTEMPT).expect("an attempt");
    let (_listener, socket) = UnixStream::pair().expect("sockets");
    let parent_memory = fs::read(format!("/proc/{}/environ", getppid()));
    assert!(parent_memory.is_ok(), "before, it can be read");
    if name.starts_with("unfiltered") {
        refuse_filters();
    }
    let filtered = sandbox::enter().expect("limits");
    assert_eq!(filtered, !name.starts_with("unfiltered"));
    let result = match name.trim_start_matches("unfiltered ") {
        "read and compute" => {
            let mut file = String::new();
            io::stdin().read_to_string(&mut file).expect("standard input");
            let big: Vec<u8> = vec![1; 100 << 20];
            write!(io::stdout(), "read: {file}, {}", big.iter().map(|byte| u64::from(*byte)).sum::<u64>())
        }
        "socket" => TcpStream::connect("127.0.0.1:80").map(drop),
        "datagram" => UdpSocket::bind("127.0.0.1:0").map(drop),
        "unix socket" => UnixStream::pair().map(drop),
        "write to an inherited socket" => {
            nix::unistd::write(&socket, b"x").map(drop).map_err(io::Error::from)
        }
        "open" => fs::File::open("/etc/passwd").map(drop),
        "environment of the parent" => fs::read(format!("/proc/{}/environ", getppid())).map(drop),
        "create" => fs::File::create("/tmp/created-by-a-parser").map(drop),
        "duplicate" => io::stdout().as_fd().try_clone_to_owned().map(drop),
        "start" => Command::new("/bin/true").status().map(drop),
        "thread" => thread::Builder::new().spawn(|| ()).map(drop),
        "signal" => kill(getppid(), Signal::SIGUSR1).map_err(io::Error::from),
        "trace" => nix::sys::ptrace::attach(getppid()).map_err(io::Error::from),
        "raise the limit" => {
            let more = sandbox::ADDRESS_SPACE + 1;
            setrlimit(Resource::RLIMIT_AS, more, more).map_err(io::Error::from)
        }
        "remove" => fs::remove_file("/tmp/a-parser-removes-nothing"),
        "memory" => {
            let mut memory: Vec<u8> = Vec::new();
            memory.try_reserve_exact(900 << 20).map_err(|_| io::Error::from(ErrorKind::PermissionDenied))
        }
        other => panic!("unknown attempt: {other}"),
    };
    let code = match result {
        Ok(()) => SUCCEEDED,
        Err(error) if error.kind() == ErrorKind::NotFound => SUCCEEDED,
        Err(error) => {
            write!(io::stdout(), "{error}").expect("standard output");
            REFUSED
        }
    };
    io::stdout().flush().expect("standard output");
    std::process::exit(code);
}

/// Makes the kernel refuse filters to this process, as AWS Lambda does.
fn refuse_filters() {
    prctl::set_no_new_privs().expect("no new privileges");
    let rules = [libc::SYS_prctl, libc::SYS_seccomp].into_iter().map(|call| (call, Vec::new())).collect();
    let refuse = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let arch = env::consts::ARCH.try_into().expect("a known processor");
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch).expect("a filter");
    apply_filter_all_threads(&BpfProgram::try_from(filter).expect("a program")).expect("installed");
}

#[test]
fn limited_process_reads_computes_and_writes() {
    for name in ["read and compute", "unfiltered read and compute"] {
        let (code, output) = attempt(name);
        assert_eq!(code, Some(SUCCEEDED), "{output}");
        assert!(output.contains("read: the file, 104857600"), "{output}");
    }
}

#[test]
fn limited_process_has_no_sockets_files_programs_or_other_processes() {
    let attempts = [
        "socket",
        "datagram",
        "unix socket",
        "write to an inherited socket",
        "open",
        "environment of the parent",
        "create",
        "duplicate",
        "start",
        "thread",
        "signal",
        "trace",
        "raise the limit",
        "remove",
        "memory",
    ];
    for name in attempts {
        let (code, output) = attempt(name);
        assert_eq!(code, Some(REFUSED), "{name}: {output}");
    }
    assert!(!fs::exists("/tmp/created-by-a-parser").expect("a look"));
}

/// Without the filter, the limits of the kernel still forbid every new file descriptor, and the others are closed.
#[test]
fn limits_alone_forbid_sockets_and_files() {
    for name in [
        "socket",
        "datagram",
        "unix socket",
        "write to an inherited socket",
        "open",
        "environment of the parent",
        "create",
        "duplicate",
        "memory",
    ] {
        let (code, output) = attempt(&format!("unfiltered {name}"));
        assert_eq!(code, Some(REFUSED), "{name}: {output}");
    }
}

#[test]
fn attempts_succeed_without_limits() {
    // The same calls, by this process: so the refusals above come from the limits, not from the machine.
    assert!(UdpSocket::bind("127.0.0.1:0").is_ok() && fs::File::open("/etc/passwd").is_ok());
    assert!(Command::new("/bin/true").status().is_ok() && UnixStream::pair().is_ok());
    assert!(kill(Pid::this(), None).is_ok());
}
