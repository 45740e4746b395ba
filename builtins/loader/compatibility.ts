// Compatibility dates and flags: which spellings are accepted, and what they mean here.
//
// Mayfly implements one behaviour set, the newest. A flag that exists on the platform is accepted, whether it asks
// for the present behaviour or an old one; a flag that does not exist is an error, as it is there.


const FLAGS = new Set(`
allow_custom_ports allow_eval_during_startup allow_irrevocable_stub_storage allow_importable_env assert_crypto_key_usages
bind_asynclocalstorage_snapshot_to_request blob_standard_mime_type brotli_content_encoding cache_api_compat_flags
cache_no_cache cache_option_enabled capture_async_api_throws connect_pass_through crypto_preserve_public_exponent
delete_all_deletes_alarm disable_nodejs_process_v2 disable_top_level_await_in_require disallow_importable_env
dont_substitute_null_on_type_error durable_object_alarms durable_object_fetch_requires_full_url
durable_object_fetch_allows_relative_url durable_object_rename empty_query_string_preserved enable_abortsignal_rpc
enable_ctx_exports enable_d1_with_sessions_api enable_importable_env enable_nodejs_als_module enable_nodejs_fs_module
enable_nodejs_http_modules enable_nodejs_http_server_modules enable_nodejs_os_module enable_nodejs_process_v2
enable_request_signal enable_web_file_system enable_workflow_script_validation enhanced_error_serialization
experimental export_commonjs_default export_commonjs_namespace expose_global_message_channel fetch_legacy_url
fetch_refuses_unknown_protocols fetch_standard_url fixup_transform_stream_backpressure fixup-transform-stream-backpressure
formdata_parser_converts_files_to_strings formdata_parser_supports_files global_fetch_private_origin
global_fetch_strictly_public global_navigator handle_cross_request_promise_resolution html_rewriter_treats_esi_include_as_void_tag
http_headers_getsetcookie ignore_custom_ports increase_websocket_message_size internal_stream_byob_return_view
internal_writable_stream_abort_clears_queue jsg_resource_methods js_rpc legacy_module_registry memory_cache_delete
minimal_subrequests navigator_online new_module_registry no_allow_eval_during_startup no_brotli_content_encoding
no_cache_no_cache no_cf_botmanagement_default no_fetch_standard_url no_global_navigator no_handle_cross_request_promise_resolution
no_import_meta_dirname no_nodejs_als no_nodejs_compat no_nodejs_compat_v2 no_nodejs_compat_populate_process_env
no_query_string_from_url no_substitute_null no_weak_ref_workers nodejs_als nodejs_compat nodejs_compat_populate_process_env
nodejs_compat_v2 nodejs_zlib non_abortable_fetch obsolete_streams_api python_workers python_workers_20250116 python_no_global_handlers
queue_consumer_no_wait_for_wait_until queues_json_messages r2_public_beta_bindings r2_list_honor_include
remove_nodejs_compat_eol remove_nodejs_compat_eol_v22 remove_nodejs_compat_eol_v23 remove_nodejs_compat_eol_v24
replica_routing request_cf_overrides_cache_rules response_redirect_url_original response_redirect_url_standard
reuse_ctx_across_nonclass_events rpc rpc_params_dup_stubs script_validation_limits service_binding_extra_handlers
set_event_target_this set_forwardable_email_full_headers set_tostringtag shared_array_buffer simple_queue_consumers
specify_bun spec_compliant_property_attributes spec_compliant_response_redirect static_import_fix streaming_tail_worker
streams_byob_reader_detaches_buffer streams_byob_reader_does_not_detach_buffer streams_constructors streams_disable_constructors
streams_enable_constructors strict_compression_checks strict_crypto_checks tail_worker_user_spans text_decoder_cjk_decoder
text_decoder_replace_surrogates top_level_await transformstream_enable_standard_constructor
transformstream_disable_standard_constructor typescript_strip_types unique_ctx_per_invocation unsafe_module unwrap_custom_thenables
no_unwrap_custom_thenables upper_case_all_http_methods urlpattern_standard urlpattern_original urlsearchparams_delete_has_value_arg
no_urlsearchparams_delete_has_value_arg use_workerd_experimental vectorize_query_metadata_optional web_socket_compression
webgpu websocket_standard_binary_type workers_api_getters_setters_on_prototype workers_api_getters_setters_on_instance
`.trim().split(/\s+/));

export function isKnownFlag(flag: string): boolean {
  return FLAGS.has(flag);
}

/** Whether the spelling is a date at all: `YYYY-MM-DD`. */
export function isDate(text: unknown): text is string {
  if (typeof text !== "string" || !/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const month = Number(text.slice(5, 7));
  const day = Number(text.slice(8, 10));
  return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

/** Throws Error with the platform's texts for what is wrong with a date or the flags. */
export function checkCompatibility(date: unknown, flags: string[], today: string): void {
  if (!isDate(date)) throw new Error(`Invalid compatibility date: ${String(date)}`);
  if (date > today) throw new Error(`Can't set compatibility date in the future: ${date}`);
  const seen = new Set<string>();
  for (const flag of flags) {
    if (seen.has(flag)) throw new Error(`Compatibility flag specified multiple times: ${flag}`);
    seen.add(flag);
    if (!isKnownFlag(flag)) throw new Error(`No such compatibility flag: ${flag}`);
    const opposite = flag.startsWith("no_") ? flag.slice(3) : `no_${flag}`;
    if (seen.has(opposite)) throw new Error(`Compatibility flags are mutually contradictory: ${opposite} vs ${flag}`);
  }
}
