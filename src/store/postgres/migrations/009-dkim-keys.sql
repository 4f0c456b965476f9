-- DKIM keys by selector and state, so that a new one can stand beside the one that signs.
update identities set document = jsonb_set(
  document::jsonb #- '{dkim,privateKeys}',
  '{dkim,keys}',
  coalesce((
    select jsonb_agg(
      jsonb_build_object(
        'selector', coalesce(
          document::jsonb #>> '{dkim,selector}',
          document::jsonb #>> array['dkim', 'tokens', (each.number - 1)::text]
        ),
        'algorithm', 'rsa',
        'pem', each.pem,
        'state', case
          when document::jsonb #>> '{dkim,state}' in ('SUCCESS', 'TEMPORARY_FAILURE') then 'active'
          else 'pending'
        end,
        'since', coalesce(
          (document::jsonb #>> '{dkim,keysMadeAt}')::bigint,
          (document::jsonb #>> '{createdAt}')::bigint
        ),
        'publishedBy', case document::jsonb #>> '{dkim,origin}' when 'EXTERNAL' then 'owner' else 'operator' end
      )
      order by each.number
    )
    from jsonb_array_elements_text(document::jsonb #> '{dkim,privateKeys}') with ordinality as each(pem, number)
  ), '[]'::jsonb)
)::text;
