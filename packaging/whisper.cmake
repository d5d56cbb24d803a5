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
