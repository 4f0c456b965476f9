-- What the installation keeps to itself and all its processes share, such as the key of return paths.
create table secrets (
  name text collate "C" primary key,
  value text not null
);
