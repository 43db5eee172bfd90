# embed_files(TARGET HEADER TEMPLATE FILES...)
#
# At build time, whenever a file has changed, makes a header from TEMPLATE. TARGET includes it as HEADER. In the template,
# @EMBEDDED_FILES@ becomes a row {"name", "MIME type", R"text(...)text"}, for each file, @JOINED_FILES@ the text of all
# files, and @JOINED_SHA1@ the SHA-1 of that text. The name is the path from TEMPLATE's folder, or the file's name outside it.
if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  string(REPLACE "|" ";" FILES "${FILES}")
  set(EMBEDDED_FILES "")
  set(JOINED_FILES "")
  get_filename_component(folder ${TEMPLATE} DIRECTORY)
  foreach(file IN LISTS FILES)
    file(READ ${file} text)
    string(REPLACE "${folder}/" "" name ${file})
    get_filename_component(file_name ${name} NAME)
    if(IS_ABSOLUTE ${name})
      set(name ${file_name})
    endif()
    string(REGEX REPLACE ".*\\." "" type ${name})
    string(REPLACE "js" "javascript" type ${type})
    string(APPEND EMBEDDED_FILES "\n{\"${name}\", \"text/${type}\", R\"text(${text})text\"},")
    string(APPEND JOINED_FILES "${text}")
  endforeach()
  string(SHA1 JOINED_SHA1 "${JOINED_FILES}")
  configure_file(${TEMPLATE} ${HEADER} @ONLY)
  file(TOUCH ${HEADER})
  return()
endif()

function(embed_files target header template)
  set(folder ${PROJECT_BINARY_DIR}/generated)
  list(TRANSFORM ARGN REPLACE "^([^/].*)" "${CMAKE_CURRENT_SOURCE_DIR}/\\1" OUTPUT_VARIABLE files)
  string(REPLACE ";" "|" joined "${files}")
  add_custom_command(OUTPUT ${folder}/${header}
    COMMAND ${CMAKE_COMMAND} -D HEADER=${folder}/${header} -D TEMPLATE=${CMAKE_CURRENT_SOURCE_DIR}/${template}
      -D "FILES=${joined}" -P ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
    DEPENDS ${files} ${template} ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
    COMMENT "Embedding files in ${header}" VERBATIM)
  string(MAKE_C_IDENTIFIER ${header} name)
  add_custom_target(${name} DEPENDS ${folder}/${header})
  add_dependencies(${target} ${name})
  if(TARGET embedded_files)  # for linters, which read the headers but build nothing
    add_dependencies(embedded_files ${name})
  endif()
  target_include_directories(${target} PRIVATE ${folder})
endfunction()
