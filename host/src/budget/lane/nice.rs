//! The place of the lane's threads among all that want to run.

/// How much nicer the threads of the lane are than those that serve calls. A thread at this distance gets a quarter of a
/// core that it shares with one that is as busy. So long work goes on beside other busy programs, but whoever wakes up
/// takes its place at once. Threads that the lane's work starts are as nice, such as those that free large buffers.
const STEP: i32 = 5;

/// Has the scheduler prefer other threads to this one.
#[cfg(target_os = "linux")]
pub(super) fn step_back() {
    use rustix::process::{getpriority_process, setpriority_process};
    // On Linux, that is the calling thread's own niceness (setpriority(2), "C library/kernel differences"). Where it cannot
    // be changed, the lane has the place that all have.
    if let Ok(niceness) = getpriority_process(None) {
        let _ = setpriority_process(None, niceness.saturating_add(STEP));
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn step_back() {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::getpriority_process;

    use crate::budget::OwnerTime;
    use crate::budget::lane::tests::{MUCH, lane};

    #[tokio::test]
    async fn work_in_the_lane_gives_way_to_other_threads() {
        let (lane, here) = (lane(1), getpriority_process(None).unwrap());
        let work = lane.run(&OwnerTime::default(), MUCH, async { getpriority_process(None).unwrap() });
        // 19 is the nicest.
        assert!(matches!(work.await, Ok(there) if there == (here + super::STEP).min(19)));
        assert_eq!(getpriority_process(None).unwrap(), here);
    }
}
