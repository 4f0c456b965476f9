-- What an operator holds back: mail of an account, to a destination, or of a message. `kind` tells what `value` is.
create table suspensions (
  kind text not null,
  value text not null,
  since integer not null,
  primary key (kind, value)
) strict, without rowid;
