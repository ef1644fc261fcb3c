//! A circuit breaker for a dependency that may fail for minutes: an instance that finds it failing spares the others the wait.
//!
//! Calls and failures are counted in windows of [`WINDOW`]. After [`MIN_FAILURES`] failures, if at least half of the calls failed, the
//! breaker opens: for [`OPEN_TIME`] no call is made. Then one call of one instance, the probe, decides: the breaker closes, or opens
//! again. The state is in Redis; while Redis is unavailable, or without one, each instance has its own.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use metrics::counter;
use tokio::time::Instant;

use super::redis::Redis;

const WINDOW: Duration = Duration::from_secs(30);
const MIN_FAILURES: u32 = 5;
const OPEN_TIME: Duration = Duration::from_secs(15);
/// After this without a call the breaker is closed again, without a probe.
const HALF_OPEN_TIME: Duration = Duration::from_mins(5);
/// After this a probe without a result counts as lost, and another call becomes the probe.
const PROBE_TIMEOUT: Duration = Duration::from_mins(1);

/// KEYS: open, half-open, probe. ARGV: the probe's timeout in ms. Returns 0 for open, 1 for closed, 2 for the probe.
const ADMIT: &str = "
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
if redis.call('EXISTS', KEYS[2]) == 0 then return 1 end
if redis.call('SET', KEYS[3], '1', 'NX', 'PX', ARGV[1]) then return 2 end
return 0";

/// KEYS: open, half-open, calls, failures. ARGV: 1 for a failure, the window in ms, the failures that open, the times of open and of
/// half-open in ms. Returns 1 if the breaker opened.
const COUNT: &str = "
local calls = redis.call('INCR', KEYS[3])
if calls == 1 then
    redis.call('PEXPIRE', KEYS[3], ARGV[2])
    redis.call('DEL', KEYS[4])
end
if ARGV[1] ~= '1' then return 0 end
local failures = redis.call('INCR', KEYS[4])
redis.call('PEXPIRE', KEYS[4], ARGV[2])
if failures < tonumber(ARGV[3]) or failures * 2 < calls then return 0 end
redis.call('DEL', KEYS[3], KEYS[4])
redis.call('SET', KEYS[2], '1', 'PX', ARGV[5])
if redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[4]) then return 1 end
return 0";

/// The breaker of one dependency. Cheap to clone.
#[derive(Clone)]
pub struct Breaker(Arc<Inner>);

struct Inner {
    /// In metrics and in keys.
    dependency: &'static str,
    redis: Option<Redis>,
    local: Mutex<Local>,
}

/// The permission for one call. Dropping it without a result counts nothing.
#[must_use]
pub struct Permit {
    breaker: Breaker,
    probe: bool,
    /// Whether the state in Redis decided.
    shared: bool,
}

impl Breaker {
    /// Creates the breaker of `dependency`, shared by all instances that use `redis`.
    #[must_use]
    pub fn new(dependency: &'static str, redis: Option<Redis>) -> Self {
        Self(Arc::new(Inner { dependency, redis, local: Mutex::default() }))
    }

    /// Returns the permission for a call; `None` while the breaker is open.
    pub async fn admit(&self) -> Option<Permit> {
        let (admitted, shared) = match self.admit_shared().await {
            Some(answer) => (Admitted::from_answer(answer), true),
            None => (self.local().admit(Instant::now()), false),
        };
        let probe = match admitted {
            Admitted::No => return None,
            Admitted::Yes => false,
            Admitted::Probe => true,
        };
        Some(Permit { breaker: self.clone(), probe, shared })
    }

    /// Returns the answer of [`ADMIT`]; `None` without Redis.
    async fn admit_shared(&self) -> Option<i64> {
        let redis = self.0.redis.as_ref()?;
        let mut commands = redis::pipe();
        let eval = commands.cmd("EVAL").arg(ADMIT).arg(3);
        eval.arg(self.key(redis, "open")).arg(self.key(redis, "half-open")).arg(self.key(redis, "probe"));
        eval.arg(millis(PROBE_TIMEOUT));
        redis.query::<(i64,)>(&commands).await.ok().map(|(answer,)| answer)
    }

    /// Counts a call. Returns whether the breaker opened; `None` without Redis.
    async fn count_shared(&self, failed: bool) -> Option<bool> {
        let redis = self.0.redis.as_ref()?;
        let mut commands = redis::pipe();
        let eval = commands.cmd("EVAL").arg(COUNT).arg(4);
        for name in ["open", "half-open", "calls", "failures"] {
            eval.arg(self.key(redis, name));
        }
        eval.arg(u8::from(failed)).arg(millis(WINDOW)).arg(MIN_FAILURES);
        eval.arg(millis(OPEN_TIME)).arg(millis(HALF_OPEN_TIME));
        redis.query::<(bool,)>(&commands).await.ok().map(|(opened,)| opened)
    }

    /// Ends the probe. `None` without Redis.
    async fn end_probe_shared(&self, failed: bool) -> Option<()> {
        let redis = self.0.redis.as_ref()?;
        let (open, half_open) = (self.key(redis, "open"), self.key(redis, "half-open"));
        let mut commands = redis::pipe();
        commands.atomic();
        if failed {
            commands.cmd("SET").arg(&half_open).arg(1).arg("PX").arg(millis(HALF_OPEN_TIME)).ignore();
            commands.cmd("SET").arg(&open).arg(1).arg("PX").arg(millis(OPEN_TIME)).ignore();
        } else {
            commands.del(&[&half_open, &open]).ignore();
        }
        commands.del(self.key(redis, "probe")).ignore();
        redis.query::<()>(&commands).await.ok()
    }

    fn key(&self, redis: &Redis, name: &str) -> String {
        redis.key(&format!("breaker:{}:{name}", self.0.dependency))
    }

    fn local(&self) -> MutexGuard<'_, Local> {
        self.0.local.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// Records that the dependency answered, also if it refused the call.
    pub async fn succeeded(self) {
        self.record(false).await;
    }

    /// Records that the dependency did not answer, or not usefully.
    pub async fn failed(self) {
        self.record(true).await;
    }

    /// Gives the permission back without a call: another call may be the probe.
    pub async fn give_back(self) {
        let Self { breaker, probe, shared } = self;
        match breaker.0.redis.as_ref().filter(|_| shared) {
            _ if !probe => {}
            Some(redis) => {
                let mut commands = redis::pipe();
                commands.del(breaker.key(redis, "probe")).ignore();
                // Without Redis the probe is replaced after its timeout.
                _ = redis.query::<()>(&commands).await;
            }
            None => breaker.local().probe_until = None,
        }
    }

    async fn record(self, failed: bool) {
        let Self { breaker, probe, shared } = self;
        let counted = match (shared, probe) {
            (true, true) => breaker.end_probe_shared(failed).await.map(|()| failed),
            (true, false) => breaker.count_shared(failed).await,
            (false, _) => None,
        };
        let opened = counted.unwrap_or_else(|| breaker.local().record(probe, failed, Instant::now()));
        if opened {
            let dependency = breaker.0.dependency;
            counter!("BreakerOpen", "dependency" => dependency).increment(1);
            tracing::warn!(dependency, "breaker opened");
        }
    }
}

enum Admitted {
    No,
    Yes,
    Probe,
}

impl Admitted {
    fn from_answer(answer: i64) -> Self {
        match answer {
            0 => Self::No,
            1 => Self::Yes,
            _ => Self::Probe,
        }
    }
}

/// The state of one instance, by the same rules.
#[derive(Default)]
struct Local {
    window_end: Option<Instant>,
    calls: u32,
    failures: u32,
    open_until: Option<Instant>,
    half_open_until: Option<Instant>,
    probe_until: Option<Instant>,
}

impl Local {
    fn admit(&mut self, now: Instant) -> Admitted {
        let is_before = |end: Option<Instant>| end.is_some_and(|end| now < end);
        if is_before(self.open_until) {
            return Admitted::No;
        }
        if !is_before(self.half_open_until) {
            return Admitted::Yes;
        }
        if is_before(self.probe_until) {
            return Admitted::No;
        }
        self.probe_until = Some(now + PROBE_TIMEOUT);
        Admitted::Probe
    }

    /// Returns whether the breaker opened.
    fn record(&mut self, probe: bool, failed: bool, now: Instant) -> bool {
        if probe {
            *self = Self::default();
            if failed {
                self.open(now);
            }
            return failed;
        }
        if self.window_end.is_none_or(|end| end <= now) {
            (self.window_end, self.calls, self.failures) = (Some(now + WINDOW), 0, 0);
        }
        self.calls += 1;
        if !failed {
            return false;
        }
        self.failures += 1;
        if self.failures < MIN_FAILURES || self.failures * 2 < self.calls {
            return false;
        }
        let was_open = self.open_until.is_some_and(|end| now < end);
        self.open(now);
        !was_open
    }

    fn open(&mut self, now: Instant) {
        (self.window_end, self.calls, self.failures) = (None, 0, 0);
        self.open_until = Some(now + OPEN_TIME);
        self.half_open_until = Some(now + HALF_OPEN_TIME);
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(local: &mut Local, times: u32, now: Instant) -> bool {
        (0..times).fold(false, |_, _| local.record(false, true, now))
    }

    #[test]
    fn five_failures_open_the_breaker() {
        let (mut local, now) = (Local::default(), Instant::now());
        assert!(!fail(&mut local, MIN_FAILURES - 1, now));
        assert!(matches!(local.admit(now), Admitted::Yes));
        assert!(fail(&mut local, 1, now));
        assert!(matches!(local.admit(now), Admitted::No));
        assert!(matches!(local.admit(now + OPEN_TIME - Duration::from_millis(1)), Admitted::No));
    }

    #[test]
    fn failures_among_more_successes_do_not_open_it() {
        let (mut local, now) = (Local::default(), Instant::now());
        for _ in 0..20 {
            assert!(!local.record(false, false, now));
        }
        assert!(!fail(&mut local, 19, now));
        assert!(fail(&mut local, 1, now), "half of the calls failed");
    }

    #[test]
    fn failures_of_an_earlier_window_do_not_count() {
        let (mut local, now) = (Local::default(), Instant::now());
        fail(&mut local, MIN_FAILURES - 1, now);
        assert!(!fail(&mut local, MIN_FAILURES - 1, now + WINDOW));
    }

    #[test]
    fn one_probe_decides_after_the_open_time() {
        let (mut local, now) = (Local::default(), Instant::now());
        fail(&mut local, MIN_FAILURES, now);
        let later = now + OPEN_TIME;
        let probes = (0..16).filter(|_| matches!(local.admit(later), Admitted::Probe)).count();
        assert_eq!(probes, 1);
        assert!(matches!(local.admit(later), Admitted::No));
        assert!(local.record(true, true, later), "a failed probe opens it again");
        assert!(matches!(local.admit(later), Admitted::No));
        let later = later + OPEN_TIME;
        assert!(matches!(local.admit(later), Admitted::Probe));
        assert!(!local.record(true, false, later));
        assert!(matches!(local.admit(later), Admitted::Yes));
    }

    #[tokio::test]
    async fn probe_that_is_given_back_can_be_made_by_another_call() {
        let breaker = Breaker::new("test", None);
        for _ in 0..MIN_FAILURES {
            breaker.admit().await.expect("closed").failed().await;
        }
        breaker.local().open_until = Some(Instant::now());
        let probe = breaker.admit().await.expect("the probe");
        assert!(breaker.admit().await.is_none(), "one at a time");
        probe.give_back().await;
        assert!(breaker.admit().await.is_some_and(|permit| permit.probe));
    }

    #[test]
    fn lost_probe_is_replaced() {
        let (mut local, now) = (Local::default(), Instant::now());
        fail(&mut local, MIN_FAILURES, now);
        let later = now + OPEN_TIME;
        assert!(matches!(local.admit(later), Admitted::Probe));
        assert!(matches!(local.admit(later + PROBE_TIMEOUT), Admitted::Probe));
    }
}
