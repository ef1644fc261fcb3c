//! The limits that the parser process puts on itself before it reads a byte of the file.
//!
//! They cannot be lifted again. Limits of the kernel (`setrlimit`) always apply. A number of open files of 0 already forbids every new
//! file and socket, because each needs a file descriptor. The system call filter forbids all calls that a parser does not need: to open
//! files, sockets, to start programs, to read the memory of other processes, to send signals to them.
//!
//! AWS Lambda has a filter of its own, which has refused to let functions install another one (openai/codex#4725, chromedp#1074). So the
//! process also works without it, and says so (docs/adr/0032-parsers-in-a-child-process.md).

use std::{collections::BTreeMap, env::consts::ARCH, fs, os::fd::RawFd};

use anyhow::Context;
use nix::{
    libc,
    sys::resource::{Resource, setrlimit},
    unistd::{close, getpid},
};
use seccompiler::{
    BpfProgram, Error as FilterError, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op,
    SeccompCondition as Condition, SeccompFilter, SeccompRule, TargetArch, apply_filter_all_threads,
};

/// CPU time.
pub const CPU_SECONDS: u64 = 60;

/// CPU time after which the kernel ends the process even if it ignores the signal of [`CPU_SECONDS`]. With the same value for both, the kernel
/// sends only SIGKILL, as it does when the memory is used up.
const HARD_CPU_SECONDS: u64 = CPU_SECONDS + 5;

/// Address space, in bytes. The file itself is a part of it.
pub const ADDRESS_SPACE: u64 = 768 << 20;

/// The system calls of a program that computes: memory, locks between threads, time, reading, writing and its end.
const ALLOWED: &[libc::c_long] = &[
    libc::SYS_brk,
    libc::SYS_clock_gettime,
    libc::SYS_close,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_fstat,
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_madvise,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_sigaltstack,
    libc::SYS_write,
    libc::SYS_writev,
];

/// Limits the process. Returns whether the system call filter is in force: `false` if the kernel refuses filters.
pub fn enter() -> anyhow::Result<bool> {
    close_inherited()?;
    limit()?;
    match apply_filter_all_threads(&filter()?) {
        Ok(()) => Ok(true),
        Err(FilterError::Prctl(_) | FilterError::Seccomp(_)) => Ok(false),
        Err(error) => Err(error).context("install the system call filter"),
    }
}

/// Closes all files but standard input, output and error. Rust closes its own files when a program is started. Those of others, as of the
/// environment in which the function runs, can be inherited, and neither limits nor the filter forbid to use what is open.
fn close_inherited() -> anyhow::Result<()> {
    let open = fs::read_dir("/proc/self/fd").context("list the open files")?;
    let open: Vec<RawFd> = open.filter_map(|file| file.ok()?.file_name().to_str()?.parse().ok()).collect();
    for file in open.into_iter().filter(|file| *file > libc::STDERR_FILENO) {
        // The list itself was one of them, and is closed already.
        close(file).ok();
    }
    Ok(())
}

/// Sets the limits of the kernel. The hard limits too, which an ordinary process cannot raise.
fn limit() -> anyhow::Result<()> {
    setrlimit(Resource::RLIMIT_CPU, CPU_SECONDS, HARD_CPU_SECONDS).context("limit the CPU time")?;
    let limits = [
        (Resource::RLIMIT_AS, ADDRESS_SPACE),
        // A dump has the content of the file.
        (Resource::RLIMIT_CORE, 0),
        // Standard input and output stay open.
        (Resource::RLIMIT_NOFILE, 0),
        (Resource::RLIMIT_FSIZE, 0),
        (Resource::RLIMIT_NPROC, 0),
        (Resource::RLIMIT_MEMLOCK, 0),
    ];
    for (resource, value) in limits {
        setrlimit(resource, value, value).with_context(|| format!("set {resource:?} to {value}"))?;
    }
    Ok(())
}

/// Builds the filter. A forbidden call fails with EPERM, which a library can handle; the process goes on.
fn filter() -> anyhow::Result<BpfProgram> {
    let mut rules: BTreeMap<_, _> = ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
    // Signals to this process only: `abort` sends one.
    let own = u64::try_from(getpid().as_raw())?;
    rules.insert(libc::SYS_tgkill, vec![only_if(0, Len::Dword, Op::Eq, own)?]);
    // No memory that can be executed, and none from files.
    let executable = u64::try_from(libc::PROT_EXEC)?;
    let not_executable = only_if(2, Len::Dword, Op::MaskedEq(executable), 0)?;
    rules.insert(libc::SYS_mmap, vec![not_executable.clone()]);
    rules.insert(libc::SYS_mprotect, vec![not_executable]);
    let refuse = SeccompAction::Errno(u32::try_from(libc::EPERM)?);
    let filter = SeccompFilter::new(rules, refuse, SeccompAction::Allow, TargetArch::try_from(ARCH)?)?;
    Ok(BpfProgram::try_from(filter)?)
}

/// Returns a rule that allows a call if argument `number` compares to `value`.
fn only_if(number: u8, length: Len, operator: Op, value: u64) -> anyhow::Result<SeccompRule> {
    Ok(SeccompRule::new(vec![Condition::new(number, length, operator, value)?])?)
}
