//! The WebAssembly engine: one configuration for compiling ahead of time and for running, and the clock that interrupts
//! guests.

use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How long a guest runs before it yields the thread. At 1 ms, requests are answered within a millisecond while another
/// guest loops. With shorter ticks, the clock costs more than it gains.
const TICK: Duration = Duration::from_millis(1);

/// How many ticks the clock runs on after the last poll of a guest. It is then still running when guests are polled steadily
/// but rarely, and an idle process does not wake up.
const LINGER: u32 = 50;

/// The engine and its clock. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Engine {
    engine: wasmtime::Engine,
    clock: Arc<ClockThread>,
    /// Counts the pools of the process, if it has one.
    _pool: Option<Arc<()>>,
}

/// Ends the clock's thread when it is dropped.
struct ClockThread(Arc<Clock>);

/// Keeps the clock running while a guest is polled.
pub(crate) struct Ticking(Arc<Clock>);

#[derive(Default)]
struct Clock {
    state: Mutex<ClockState>,
    next_poll: Condvar,
}

#[derive(Default)]
struct ClockState {
    /// How many guests are being polled.
    polls: usize,
    /// Whether the clock waits for the next poll instead of the next tick.
    stopped: bool,
    /// The engine is gone.
    over: bool,
}

/// Returns the configuration that compiled code and engine must share. What the engine is not built with is off: threads
/// and shared memory, exceptions, garbage collection, and stack switching. No toolchain for WASI 0.2 needs them.
pub(crate) fn configuration() -> wasmtime::Config {
    let mut config = wasmtime::Config::new();
    config.epoch_interruption(true);
    // Async component functions cost half as much again on every call; components are synchronous WASI 0.2.
    config.concurrency_support(false);
    config.wasm_memory64(false);
    config
}

// === impl Engine ===

impl Engine {
    pub(crate) fn new(configuration: &wasmtime::Config) -> wasmtime::Result<Self> {
        let engine = wasmtime::Engine::new(configuration)?;
        let clock = Arc::new(Clock::default());
        let (weak, ticked) = (engine.weak(), clock.clone());
        std::thread::Builder::new().name("epoch".to_owned()).spawn(move || {
            while let Some(engine) = weak.upgrade() {
                engine.increment_epoch();
                drop(engine);
                if ticked.wait().is_break() {
                    return;
                }
            }
        })?;
        Ok(Self { engine, clock: Arc::new(ClockThread(clock)), _pool: None })
    }

    /// Counts as a pool for as long as it exists.
    pub(super) fn counted_in(self, pools: &Arc<()>) -> Self {
        Self { _pool: Some(pools.clone()), ..self }
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.engine
    }

    /// The clock, for as long as anything keeps it.
    #[cfg(test)]
    pub(crate) fn clock(&self) -> std::sync::Weak<impl Sized + use<>> {
        Arc::downgrade(&self.clock.0)
    }

    /// Runs the clock whenever the guest's work is polled. A guest that waits needs no clock, and may wait for long.
    pub(crate) async fn ticking<F: Future>(self, work: F) -> F::Output {
        let mut work = pin!(work);
        std::future::poll_fn(|context| {
            let _ticking = self.tick();
            work.as_mut().poll(context)
        })
        .await
    }

    /// Runs the clock until the guard is dropped.
    pub(crate) fn tick(&self) -> Ticking {
        let clock = &self.clock.0;
        let mut state = clock.state();
        state.polls += 1;
        if state.stopped {
            state.stopped = false;
            clock.next_poll.notify_one();
        }
        drop(state);
        Ticking(clock.clone())
    }
}

// === impl Clock ===

impl Clock {
    fn state(&self) -> std::sync::MutexGuard<'_, ClockState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns after a tick. If no guest has been polled for a while, returns only once the next poll has begun. Breaks once
    /// the engine is gone.
    fn wait(&self) -> ControlFlow<()> {
        let mut state = self.state();
        for _ in 0..LINGER {
            state = self.next_poll.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner).0;
            // A guard keeps the clock running even without its engine.
            if state.polls > 0 {
                return ControlFlow::Continue(());
            }
            if state.over {
                return ControlFlow::Break(());
            }
        }
        state.stopped = true;
        while state.stopped && !state.over {
            state = self.next_poll.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

// === impl ClockThread ===

impl Drop for ClockThread {
    fn drop(&mut self) {
        self.0.state().over = true;
        self.0.next_poll.notify_one();
    }
}

// === impl Ticking ===

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.state().polls -= 1;
    }
}
