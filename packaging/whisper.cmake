# Included by CMake when whisper.cpp is built (see .cargo/config.toml; the sources are cargo's copy in the target folder).
#
# Intel's matrix unit (AMX) multiplies the 8-bit weights many times faster than vector code. ggml uses it for rows of a
# multiple of 2048 numbers only; its kernels need a multiple of a tile (32). Whisper base has rows of 512. On other
# processors this changes nothing.
set(amx "${CMAKE_CURRENT_SOURCE_DIR}/ggml/src/ggml-cpu/amx/amx.cpp")
if(EXISTS "${amx}")
    file(READ "${amx}" source)
    string(REPLACE "ne[0] % (TILE_K * 2 * 32) == 0" "ne[0] % TILE_K == 0" source "${source}")
    if(NOT source MATCHES "ne\\[0\\] % TILE_K == 0")
        message(WARNING "ggml has changed: packaging/whisper.cmake no longer widens its use of AMX; transcription may be slower")
    endif()
    file(WRITE "${amx}" "${source}")
endif()

# The matrix products of the encoder, by kernels of ours: packaging/gemm.inc says why. Without them all the same is heard, later.
set(sgemm "${CMAKE_CURRENT_SOURCE_DIR}/ggml/src/ggml-cpu/llamafile/sgemm.cpp")
if(EXISTS "${sgemm}")
    file(READ "${sgemm}" source)
    if(NOT source MATCHES "runaround::multiply")
        string(REPLACE "bool llamafile_sgemm(const struct" "#include \"${CMAKE_CURRENT_LIST_DIR}/gemm.inc\"\nbool llamafile_sgemm(const struct" source "${source}")
        set(before "if (Ctype != GGML_TYPE_F32)
        return false;
")
        set(after "${before}
#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__) && !defined(_MSC_VER)
    if (Atype == GGML_TYPE_Q8_0 && Btype == GGML_TYPE_Q8_0 && runaround::multiply(runaround::Blocks{k}, m, n,
            (const block_q8_0 *)A, lda, (const block_q8_0 *)B, ldb, (float *)C, ldc, params->ith, params->nth))
        return true;
    if (Atype == GGML_TYPE_F16 && Btype == GGML_TYPE_F16 && runaround::multiply(runaround::Halves{k}, m, n,
            (const ggml_fp16_t *)A, lda, (const ggml_fp16_t *)B, ldb, (float *)C, ldc, params->ith, params->nth))
        return true;
#endif
")
        string(REPLACE "${before}" "${after}" source "${source}")
        if(NOT source MATCHES "runaround::multiply")
            message(WARNING "ggml has changed: packaging/whisper.cmake no longer puts its matrix kernels in; transcription is slower")
        endif()
        file(WRITE "${sgemm}" "${source}")
    endif()
endif()

# When words were said, whisper.cpp tells by an alignment (DTW) that stops the whole program over a segment shorter than its
# filter of seven positions, and over a window longer than the positions the encoder was given. Such segments go
# without: their words get their times by the sound. A program that may stop like that must not be built.
set(whisper "${CMAKE_CURRENT_SOURCE_DIR}/src/whisper.cpp")
if(EXISTS "${whisper}")
    file(READ "${whisper}" source)
    if(NOT source MATCHES "fits the alignment")
        set(before "if (ctx->params.dtw_token_timestamps && n_segments) {")
        set(after "const int aligned = std::min(seek_delta, seek_end - seek); const bool fits = aligned >= 32 && aligned <= 2 * (state->exp_n_audio_ctx > 0 ? state->exp_n_audio_ctx : whisper_n_audio_ctx(ctx)); /* fits the alignment */
                if (ctx->params.dtw_token_timestamps && n_segments && fits) {")
        string(REPLACE "${before}" "${after}" source "${source}")
        # One thread filters, and three more would spin until it is done.
        string(REPLACE "ggml_backend_graph_compute(backend.get(), gf);" "ggml_graph_compute_helper(gf, n_threads, nullptr, nullptr);" source "${source}")
        # It reads what the decoder attended to, and never how likely each of 51,865 pieces of text was for each one written.
        string(REPLACE "ggml_mul_mat(ctx0, model.d_te, cur);" "ggml_mul_mat(ctx0, model.d_te, save_alignment_heads_QKs ? ggml_view_2d(ctx0, cur, cur->ne[0], 1, cur->nb[1], 0) : cur);" source "${source}")
        string(REPLACE "if (batch.logits[i] == 0) {" "if (batch.logits[i] == 0 || save_alignment_heads_QKs) {" source "${source}")
        if(NOT source MATCHES "fits the alignment")
            message(FATAL_ERROR "whisper.cpp has changed: packaging/whisper.cmake no longer guards its alignment of words")
        endif()
        file(WRITE "${whisper}" "${source}")
    endif()
endif()
