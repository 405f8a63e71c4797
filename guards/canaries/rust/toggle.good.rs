fn legacy_id(account: &Account) -> Option<i64> {
    account.legacy_user_id
}
