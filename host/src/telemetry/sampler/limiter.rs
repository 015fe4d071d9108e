//! So many a second: a leaky bucket that is filled only when it is found empty.

use tokio::time::Instant;

/// One costs one credit. There is never more credit than for a second, and always room for one.
#[derive(Clone, Debug)]
pub(super) struct Limiter {
    per_second: f64,
    balance: f64,
    most: f64,
    filled: Instant,
}

// === impl Limiter ===

impl Limiter {
    /// Begins with all the credit that it can have.
    pub(super) fn new(per_second: f64) -> Self {
        let most = per_second.max(1.0);
        Self { per_second, balance: most, most, filled: Instant::now() }
    }

    /// Begins without any credit if it never gets some.
    pub(super) fn of_strategy(per_second: f64) -> Self {
        let limiter = Self::new(per_second);
        if per_second == 0.0 { Self { balance: 0.0, ..limiter } } else { limiter }
    }

    pub(super) fn per_second(&self) -> f64 {
        self.per_second
    }

    pub(super) fn admit(&mut self) -> bool {
        if self.balance < 1.0 {
            self.fill();
        }
        let admitted = self.balance >= 1.0;
        if admitted {
            self.balance -= 1.0;
        }
        admitted
    }

    /// Keeps its credit, as a part of the most that it can have.
    pub(super) fn set(&mut self, per_second: f64) {
        if per_second == self.per_second {
            return;
        }
        self.fill();
        let most = per_second.max(1.0);
        self.balance = self.balance * most / self.most;
        (self.per_second, self.most) = (per_second, most);
    }

    fn fill(&mut self) {
        let now = Instant::now();
        let elapsed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.filled = now;
        self.balance = self.most.min(self.balance + elapsed * self.per_second);
    }
}
