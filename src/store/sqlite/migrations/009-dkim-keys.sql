-- DKIM keys by selector and state, so that a new one can stand beside the one that signs.
update identities set document = json_remove(
  json_set(document, '$.dkim.keys', json((
    select json_group_array(json_object(
      'selector', coalesce(
        json_extract(identities.document, '$.dkim.selector'),
        json_extract(identities.document, '$.dkim.tokens[' || each.key || ']')
      ),
      'algorithm', 'rsa',
      'pem', each.value,
      'state', case
        when json_extract(identities.document, '$.dkim.state') in ('SUCCESS', 'TEMPORARY_FAILURE') then 'active'
        else 'pending'
      end,
      'since', coalesce(
        json_extract(identities.document, '$.dkim.keysMadeAt'),
        json_extract(identities.document, '$.createdAt')
      ),
      'publishedBy', case json_extract(identities.document, '$.dkim.origin') when 'EXTERNAL' then 'owner' else 'operator' end
    ))
    from json_each(identities.document, '$.dkim.privateKeys') as each
  ))),
  '$.dkim.privateKeys'
);
