use super::*;

#[tokio::test]
async fn calls_that_go_ahead_have_a_sixteenth_more() {
    let account = MemoryAccount::new(160);
    let owner = account.owner();
    let ahead = owner.with(Priority::Ahead);
    let kind = MemoryKind::Linear;
    let all = owner.try_charge(kind, 160).unwrap();
    assert!(owner.try_charge(kind, 1).is_err() && !account.is_exceeded());
    let mut charge = ahead.charge(kind, 8).await.unwrap();
    charge.grow(2).await.unwrap();
    assert!(ahead.try_charge(kind, 1).is_err() && account.is_exceeded());
    drop(all);
    assert!(!account.is_exceeded());
    drop(charge);
    assert_eq!((account.taken(), account.used(kind)), (0, 0));
}
