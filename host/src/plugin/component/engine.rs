//! The WebAssembly engine: one configuration for compiling ahead and for running, and the clock that interrupts guests.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How long a guest runs before it lets others have the thread. At 1 ms, requests beside a looping guest are answered
/// in a millisecond; below it, the clock itself costs more than it gives.
const TICK: Duration = Duration::from_millis(1);

/// Ticks after the last call until the clock stops. A steady trickle of calls then finds it running, and an idle
/// process does not wake up.
const LINGER: u32 = 50;

/// The engine and its clock. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Engine {
    engine: wasmtime::Engine,
    clock: Arc<Clock>,
}

/// Keeps the clock running while a guest runs.
pub(crate) struct Ticking(Arc<Clock>);

#[derive(Default)]
struct Clock {
    state: Mutex<ClockState>,
    first_call: Condvar,
}

#[derive(Default)]
struct ClockState {
    calls: usize,
    /// Waits for the next call, not for the next tick.
    stopped: bool,
}

/// The configuration that compiled code and engine must share.
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
    pub(crate) fn new() -> wasmtime::Result<Self> {
        let engine = wasmtime::Engine::new(&configuration())?;
        let clock = Arc::new(Clock::default());
        let (weak, ticked) = (engine.weak(), clock.clone());
        std::thread::Builder::new().name("epoch".to_owned()).spawn(move || {
            while let Some(engine) = weak.upgrade() {
                engine.increment_epoch();
                drop(engine);
                ticked.wait();
            }
        })?;
        Ok(Self { engine, clock })
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.engine
    }

    /// Runs the clock until the guard is dropped.
    pub(crate) fn tick(&self) -> Ticking {
        let mut state = self.clock.state();
        state.calls += 1;
        if state.stopped {
            state.stopped = false;
            self.clock.first_call.notify_one();
        }
        drop(state);
        Ticking(self.clock.clone())
    }
}

// === impl Clock ===

impl Clock {
    fn state(&self) -> std::sync::MutexGuard<'_, ClockState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns after a tick; when no call has run for a while, only after the next one began.
    fn wait(&self) {
        let mut state = self.state();
        for _ in 0..LINGER {
            state = self.first_call.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner).0;
            if state.calls > 0 {
                return;
            }
        }
        state.stopped = true;
        while state.stopped {
            state = self.first_call.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

// === impl Ticking ===

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.state().calls -= 1;
    }
}
