-- What an operator holds back: mail of an account, to a destination, or of a message. `kind` tells what `value` is.
create table suspensions (
  kind text collate "C" not null,
  value text collate "C" not null,
  since bigint not null,
  primary key (kind, value)
);
